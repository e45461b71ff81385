-- Validation polygons per run and group of classes.
WITH grouping_of AS (
    SELECT unnest($groups::STRUCT(class_code INTEGER, group_code INTEGER)[], recursive := true)
)
SELECT class_accuracy.run, coalesce(grouping_of.group_code, class_accuracy.class_code) AS class_code,
    sum(n_polygons)::BIGINT AS n_polygons
FROM class_accuracy LEFT JOIN grouping_of USING (class_code)
GROUP BY ALL
ORDER BY ALL;
