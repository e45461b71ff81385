-- Polygons that judge the fused map, per class, in the form of a run's.
SELECT 0 AS run, reference_code AS class_code, count(DISTINCT polygon_id) AS n_polygons
FROM map_polygon
WHERE run IS NULL AND NOT is_smoothed
GROUP BY ALL
ORDER BY ALL;
