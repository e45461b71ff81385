-- Which polygons are given another class in another run, and on how many of their pixels?
WITH pixel AS (
    SELECT sample_id, count(DISTINCT class_code) AS n_labels
    FROM prediction
    GROUP BY sample_id
)
SELECT candidate.polygon_id, class.class_name, count(*) AS n_pixels,
    count(*) FILTER (pixel.n_labels > 1) AS n_changing,
    count(*) FILTER (pixel.n_labels > 1) / count(*) AS share_changing
FROM pixel
JOIN candidate USING (sample_id)
JOIN polygon USING (polygon_id)
JOIN class ON class.class_code = polygon.class_code
GROUP BY ALL
HAVING n_changing > 0
ORDER BY share_changing DESC, candidate.polygon_id
LIMIT 10;
