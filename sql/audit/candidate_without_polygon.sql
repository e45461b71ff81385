-- A candidate's polygon exists.
SELECT sample_id, polygon_id FROM candidate WHERE polygon_id NOT IN (SELECT polygon.polygon_id FROM polygon);
