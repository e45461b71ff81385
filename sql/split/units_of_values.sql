-- The value (or year) of the split field, of each polygon.
DELETE FROM polygon_unit;
INSERT INTO polygon_unit BY NAME
SELECT polygon_id, split_value AS unit, 1 AS weight
FROM polygon
WHERE split_value IS NOT NULL AND polygon_id IN (SELECT candidate.polygon_id FROM candidate);
