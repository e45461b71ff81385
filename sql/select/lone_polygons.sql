-- Classes of which a model learns one polygon only: no fold of whole polygons can both learn and test them.
SELECT selection.run, selection.region, class.class_code, class.class_name
FROM selection
JOIN labelled_pixel AS pixel USING (sample_id)
JOIN class ON class.class_code = pixel.class_code
GROUP BY ALL
HAVING count(DISTINCT pixel.polygon_id) = 1
ORDER BY selection.run, selection.region, class.class_code;
