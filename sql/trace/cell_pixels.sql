-- The pixels of a cell of the confusion matrix.
SELECT sample_id, polygon_id, run, region, tile, reference_code, predicted_code, confidence, n_valid, longest_gap,
    edge_distance
FROM evaluated_pixel
WHERE reference_code = $reference AND predicted_code = $predicted AND ($run::INTEGER IS NULL OR run = $run)
ORDER BY run, sample_id;
