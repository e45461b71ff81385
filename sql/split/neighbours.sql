-- Pairs of polygons that must stay on one side: of one group, or closer than the distance.
WITH used AS (
    SELECT polygon.polygon_id, polygon.group_name, polygon.geom AS geom
    FROM polygon
    WHERE polygon.polygon_id IN (SELECT candidate.polygon_id FROM candidate)
)
SELECT polygon_id AS polygon_id_a, min(polygon_id) OVER (PARTITION BY group_name) AS polygon_id_b
FROM used
WHERE group_name IS NOT NULL
UNION ALL
SELECT first.polygon_id, second.polygon_id
FROM used AS first JOIN used AS second ON ST_DWithin(first.geom, second.geom, $min_distance)
WHERE $min_distance > 0 AND first.polygon_id < second.polygon_id;
