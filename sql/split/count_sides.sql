-- How many polygons each side has, per run.
SELECT run.run, run.held_out,
    count(*) FILTER (polygon_split.split = 'learn') AS n_learn,
    count(*) FILTER (polygon_split.split = 'val') AS n_val,
    count(*) FILTER (polygon_split.split = 'buffer') AS n_buffer
FROM run LEFT JOIN polygon_split USING (run)
GROUP BY ALL
ORDER BY run.run;
