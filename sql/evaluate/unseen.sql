-- Validation pixels of classes that the model of their region never learnt.
SELECT evaluated_pixel.run, evaluated_pixel.region, class.class_name AS name,
    count(DISTINCT evaluated_pixel.polygon_id) AS n_polygons, count(*) AS n_pixels
FROM evaluated_pixel JOIN accuracy_class AS class ON class.class_code = evaluated_pixel.reference_code
WHERE NOT evaluated_pixel.is_known
GROUP BY ALL
ORDER BY ALL;
