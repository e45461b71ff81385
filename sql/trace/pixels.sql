-- The candidate pixels of a polygon, with how many runs drew them and how many got them right.
SELECT candidate.sample_id, candidate.tile, candidate.chunk, candidate.n_valid, candidate.edge_distance,
    (SELECT count(DISTINCT selection.run) FROM selection WHERE selection.sample_id = candidate.sample_id) AS n_runs_drawn,
    count(prediction.sample_id) FILTER (prediction.class_code = polygon.class_code) AS n_right,
    count(prediction.sample_id) AS n_predictions,
    arg_min(predicted.class_name, prediction.run) AS first_label
FROM candidate
JOIN polygon USING (polygon_id)
LEFT JOIN prediction ON prediction.sample_id = candidate.sample_id
LEFT JOIN class AS predicted ON predicted.class_code = prediction.class_code
WHERE candidate.polygon_id = $polygon_id
GROUP BY candidate.sample_id, candidate.tile, candidate.chunk, candidate.n_valid, candidate.edge_distance
ORDER BY candidate.sample_id;
