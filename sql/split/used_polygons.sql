-- Polygons that gave at least one candidate pixel.
SELECT DISTINCT polygon_id FROM candidate ORDER BY polygon_id;
