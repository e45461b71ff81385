-- Polygons of either side, per run.
SELECT run, polygon_id, split = 'learn' AS is_learn
FROM polygon_split
WHERE split IN ('learn', 'val', 'held')
ORDER BY run, polygon_id;
