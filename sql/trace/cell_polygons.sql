-- The polygons of a cell of the confusion matrix: all validation pixels of one class that are mapped as another.
SELECT evaluated_pixel.polygon_id, evaluated_pixel.run, evaluated_pixel.region, count(*) AS n_pixels,
    avg(evaluated_pixel.confidence) AS confidence, avg(evaluated_pixel.edge_distance) AS edge_distance,
    avg(evaluated_pixel.n_valid) AS n_valid, any_value(polygon_distance.distance) AS distance_to_learning,
    arg_max(evaluated_pixel.sample_id, (coalesce(evaluated_pixel.confidence, 0), -evaluated_pixel.sample_id)) AS surest_sample_id
FROM evaluated_pixel
LEFT JOIN polygon_distance
    ON polygon_distance.run = evaluated_pixel.run AND polygon_distance.polygon_id = evaluated_pixel.polygon_id
WHERE evaluated_pixel.reference_code = $reference AND evaluated_pixel.predicted_code = $predicted
    AND ($run::INTEGER IS NULL OR evaluated_pixel.run = $run)
GROUP BY evaluated_pixel.polygon_id, evaluated_pixel.run, evaluated_pixel.region
ORDER BY n_pixels DESC, evaluated_pixel.run, evaluated_pixel.polygon_id;
