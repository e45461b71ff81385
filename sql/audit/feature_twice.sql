-- A feature name stands for one feature.
SELECT feature_name, count(*) AS n FROM feature GROUP BY feature_name HAVING count(*) > 1;
