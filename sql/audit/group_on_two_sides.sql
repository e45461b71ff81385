-- Polygons of one group are on one side.
SELECT polygon_split.run, polygon_split.group_id, list(DISTINCT split) AS splits
FROM polygon_split
WHERE split IN ('learn', 'val')
GROUP BY polygon_split.run, polygon_split.group_id
HAVING count(DISTINCT split) > 1 AND count(DISTINCT polygon_id) > 1;
