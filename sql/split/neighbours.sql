-- Pairs of polygons of one group, which must stay on one side.
SELECT polygon_id AS polygon_id_a, min(polygon_id) OVER (PARTITION BY group_name) AS polygon_id_b
FROM polygon
WHERE group_name IS NOT NULL AND polygon_id IN (SELECT candidate.polygon_id FROM candidate)
ORDER BY polygon_id_a;
