-- Classes that a run learns and cannot validate.
INSERT INTO finding BY NAME
SELECT
    'split' AS stage, 'warning' AS severity, 'class' AS subject, class.class_name || ' (' || lone.class_code || ')' AS item,
    'has ' || lone.n_polygons || CASE WHEN lone.n_polygons = 1 THEN ' polygon' ELSE ' polygons' END
        || ' with pixels and none for validation'
        || CASE WHEN lone.n_runs < (SELECT count(*) FROM run) THEN ' in ' || lone.n_runs || ' runs' ELSE '' END AS message,
    'it learns; its accuracy is unknown' AS remedy
FROM (
    SELECT class_code, count(*) AS n_runs, max(n_polygons) AS n_polygons
    FROM (
        SELECT run, class_code, count(DISTINCT polygon_id) AS n_polygons
        FROM polygon_split
        GROUP BY run, class_code
        HAVING count(*) FILTER (split = 'val') = 0
    )
    GROUP BY class_code
) AS lone
JOIN class USING (class_code)
WHERE $is_split
ORDER BY class.class_rank;
