-- Candidate pixels that both projects have, by what became of their label, per run.
SELECT before.run, count(*) AS n_pixels, count(*) FILTER (before.class_code IS DISTINCT FROM now.class_code) AS n_changed,
    count(*) FILTER (
        before.class_code IS DISTINCT FROM polygon.class_code AND now.class_code = polygon.class_code
    ) AS n_mended,
    count(*) FILTER (
        before.class_code = polygon.class_code AND now.class_code IS DISTINCT FROM polygon.class_code
    ) AS n_spoilt
FROM prediction AS before
JOIN other.prediction AS now ON now.run = before.run AND now.sample_id = before.sample_id
JOIN candidate ON candidate.sample_id = before.sample_id
JOIN polygon ON polygon.polygon_id = candidate.polygon_id
GROUP BY before.run
ORDER BY before.run;
