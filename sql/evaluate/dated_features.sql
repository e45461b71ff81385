-- Features of optical and other sensors that have a date: their places in the arrays of their group.
SELECT feature_group, sensor, date, list(feature_rank ORDER BY feature_rank) AS feature_ranks
FROM feature
WHERE date IS NOT NULL
GROUP BY ALL
ORDER BY ALL;
