-- How many hectares of the ground truth has each class in each region, and how much of it was drawn to learn?
WITH pixel AS (
    SELECT resolution_x * resolution_y / 10000 AS hectares FROM grid
), drawn AS (
    SELECT sample_id, count(*) / (SELECT count(*) FROM run) AS share FROM selection GROUP BY sample_id
)
SELECT candidate.region, class.class_name, count(DISTINCT candidate.polygon_id) AS n_polygons,
    count(*) * any_value(pixel.hectares) AS hectares,
    coalesce(sum(drawn.share), 0) * any_value(pixel.hectares) AS hectares_drawn_per_run
FROM candidate
JOIN polygon USING (polygon_id)
JOIN class USING (class_code)
CROSS JOIN pixel
LEFT JOIN drawn USING (sample_id)
GROUP BY candidate.region, class.class_name, class.class_rank
ORDER BY candidate.region, class.class_rank;
