-- A polygon of the ground truth, and what became of it in each run.
WITH mapped AS (
    -- The class that most of its pixels are given; the lowest code of equals.
    SELECT DISTINCT ON (prediction.run) prediction.run, prediction.class_code
    FROM candidate JOIN prediction USING (sample_id)
    WHERE candidate.polygon_id = $polygon_id AND prediction.class_code IS NOT NULL
    GROUP BY prediction.run, prediction.class_code
    ORDER BY prediction.run, count(*) DESC, prediction.class_code
)
SELECT polygon.polygon_id, polygon.source_label, class.class_name, polygon.group_name, polygon.area,
    polygon_split.run, polygon_split.region, polygon_split.split, polygon_distance.nearest_polygon_id,
    polygon_distance.distance AS distance_to_learning,
    count(DISTINCT candidate.sample_id) AS n_candidates, count(DISTINCT selection.sample_id) AS n_drawn,
    count(prediction.sample_id) AS n_predicted,
    count(*) FILTER (prediction.class_code = polygon.class_code) AS n_right,
    mapped_class.class_name AS mostly_predicted, avg(prediction.confidence) AS confidence
FROM polygon
LEFT JOIN class USING (class_code)
LEFT JOIN polygon_split ON polygon_split.polygon_id = polygon.polygon_id
LEFT JOIN polygon_distance
    ON polygon_distance.polygon_id = polygon.polygon_id AND polygon_distance.run = polygon_split.run
LEFT JOIN candidate ON candidate.polygon_id = polygon.polygon_id
LEFT JOIN selection ON selection.run = polygon_split.run AND selection.sample_id = candidate.sample_id
LEFT JOIN prediction ON prediction.run = polygon_split.run AND prediction.sample_id = candidate.sample_id
LEFT JOIN mapped ON mapped.run = polygon_split.run
LEFT JOIN class AS mapped_class ON mapped_class.class_code = mapped.class_code
WHERE polygon.polygon_id = $polygon_id
GROUP BY ALL
ORDER BY polygon_split.run;
