-- From which class to which labels changed, all runs together.
SELECT label_before.class_name AS predicted_before, label_now.class_name AS predicted_now, count(*) AS n_pixels,
    count(*) FILTER (now.class_code = polygon.class_code) AS n_now_right
FROM prediction AS before
JOIN other.prediction AS now ON now.run = before.run AND now.sample_id = before.sample_id
JOIN candidate ON candidate.sample_id = before.sample_id
JOIN polygon ON polygon.polygon_id = candidate.polygon_id
LEFT JOIN class AS label_before ON label_before.class_code = before.class_code
LEFT JOIN other.class AS label_now ON label_now.class_code = now.class_code
WHERE before.class_code IS DISTINCT FROM now.class_code
GROUP BY ALL
ORDER BY n_pixels DESC, predicted_before, predicted_now;
