-- Who validates and who learns in each run, as one text to compare; and how many groups are drawn to either side.
SELECT polygon_split.run,
    md5(string_agg(polygon_id || ' ' || class_code || ' ' || split, ',' ORDER BY polygon_id)) AS digest,
    count(DISTINCT group_id) FILTER (split = 'learn') AS n_learn,
    count(DISTINCT group_id) FILTER (split = run.evaluated_split) AS n_test
FROM polygon_split JOIN run USING (run)
GROUP BY polygon_split.run
ORDER BY polygon_split.run;
