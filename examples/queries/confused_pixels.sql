-- Which validation pixels of one class are mapped as another? Made for a map: -o wrong.gpkg.
SELECT sample_id, polygon_id, run, tile, reference.class_name AS reference_name, predicted.class_name AS predicted_name,
    evaluated_pixel.predicted_code, confidence, n_valid, edge_distance
FROM evaluated_pixel
JOIN class AS reference ON reference.class_code = evaluated_pixel.reference_code
JOIN class AS predicted ON predicted.class_code = evaluated_pixel.predicted_code
WHERE reference_code = $reference AND predicted_code = $predicted AND run = $run
ORDER BY sample_id;
