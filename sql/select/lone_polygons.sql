-- Classes of which a model learns one polygon only: no fold of whole polygons can both learn and test them.
SELECT selection.run, candidate.region, class.class_code, class.class_name
FROM selection
JOIN candidate USING (sample_id)
JOIN polygon USING (polygon_id)
JOIN class ON class.class_code = polygon.class_code
GROUP BY ALL
HAVING count(DISTINCT candidate.polygon_id) = 1
ORDER BY selection.run, candidate.region, class.class_code;
