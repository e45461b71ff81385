-- Polygons of both sides, to measure how far val is from learn.
SELECT run, class_code, polygon_id, split = 'learn' AS is_learn
FROM polygon_split
WHERE split IN ('learn', 'val')
ORDER BY run, class_code, polygon_id;
