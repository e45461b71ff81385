-- Polygons that are in one project only, or have another class or outline in the other.
SELECT CASE
        WHEN before.polygon_id IS NULL THEN 'added'
        WHEN now.polygon_id IS NULL THEN 'removed'
        WHEN before.class_code <> now.class_code THEN 'another class'
        ELSE 'another outline'
    END AS change,
    count(*) AS n_polygons
FROM polygon AS before FULL JOIN other.polygon AS now ON now.polygon_id = before.polygon_id
WHERE before.polygon_id IS NULL OR now.polygon_id IS NULL OR before.class_code <> now.class_code
    OR ST_AsWKB(before.geom) <> ST_AsWKB(now.geom)
GROUP BY change
ORDER BY change;
