-- Features that only one project has.
SELECT CASE WHEN before.feature_name IS NULL THEN 'added' ELSE 'removed' END AS change,
    coalesce(before.sensor, now.sensor) AS sensor, coalesce(before.band, now.band) AS band, count(*) AS n_features
FROM feature AS before FULL JOIN other.feature AS now ON now.feature_name = before.feature_name
WHERE before.feature_name IS NULL OR now.feature_name IS NULL
GROUP BY ALL
ORDER BY ALL;
