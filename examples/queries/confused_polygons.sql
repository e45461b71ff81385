-- Which validation polygons carry the confusion between the two classes that are confused most?
SELECT
    evaluated_pixel.polygon_id, evaluated_pixel.run, pair.reference_name, pair.predicted_name, count(*) AS n_wrong,
    any_value(polygon_accuracy.n_pixels) AS n_pixels, avg(evaluated_pixel.confidence) AS mean_confidence
FROM evaluated_pixel
JOIN (SELECT * FROM top_confusion ORDER BY n_pixels DESC LIMIT 1) AS pair USING (reference_code, predicted_code)
JOIN polygon_accuracy
    ON polygon_accuracy.run = evaluated_pixel.run AND polygon_accuracy.polygon_id = evaluated_pixel.polygon_id
GROUP BY ALL
ORDER BY n_wrong DESC, evaluated_pixel.polygon_id, evaluated_pixel.run
LIMIT 10;
