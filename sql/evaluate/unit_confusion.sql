-- Pixels of a run's validation per unit that is drawn (polygon, or group of them), class and class on the map.
SELECT coalesce(polygon_group.group_id, evaluated_pixel.polygon_id) AS unit, evaluated_pixel.reference_code,
    evaluated_pixel.predicted_code, count(*) AS n_pixels
FROM evaluated_pixel LEFT JOIN polygon_group USING (polygon_id)
WHERE evaluated_pixel.run = $run AND evaluated_pixel.predicted_code IS NOT NULL
GROUP BY ALL
ORDER BY ALL;
