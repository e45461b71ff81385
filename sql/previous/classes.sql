-- Names of classes, and how many pixels of each have all features.
SELECT class.class_code, class.class_name, count(whole.sample_id) AS n_pixels
FROM class
LEFT JOIN polygon ON polygon.class_code = class.class_code
LEFT JOIN candidate ON candidate.polygon_id = polygon.polygon_id
LEFT JOIN (
    SELECT sample_id FROM sample WHERE sample_id >= 0
    GROUP BY sample_id HAVING count(*) = (SELECT count(DISTINCT feature_group) FROM feature)
) AS whole ON whole.sample_id = candidate.sample_id
GROUP BY ALL
ORDER BY class.class_code;
