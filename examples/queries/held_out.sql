-- How accurate is each run, what did it leave out, and how many polygons were too near to learn?
SELECT accuracy.run, run.held_out,
    count(DISTINCT polygon_split.polygon_id) FILTER (split = 'learn') AS n_learn,
    count(DISTINCT polygon_split.polygon_id) FILTER (split = 'buffer') AS n_buffer,
    count(DISTINCT polygon_split.polygon_id) FILTER (split = 'val') AS n_val,
    accuracy.overall_accuracy, accuracy.f_score
FROM accuracy
JOIN run USING (run)
JOIN polygon_split USING (run)
GROUP BY ALL
ORDER BY accuracy.run;
