-- A pixel is stored once per group of features.
SELECT sample_id, feature_group, count(*) AS n FROM sample GROUP BY ALL HAVING count(*) > 1;
