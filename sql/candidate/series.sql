-- The series of a table that can be used.
SELECT polygon_id FROM polygon ORDER BY polygon_id;
