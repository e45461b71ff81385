-- What became of a pixel in each run: side of the split, draw, model, label.
SELECT run.run, polygon_split.split, selection.sample_id IS NOT NULL AS is_drawn, quota.sampler, quota.strategy,
    quota.n_available, quota.n_required, quota.n_drawn, quota.rate, prediction.kind, model.path AS model,
    predicted.class_name AS predicted, prediction.class_code = polygon.class_code AS is_right, prediction.confidence
FROM candidate
JOIN polygon USING (polygon_id)
CROSS JOIN run
LEFT JOIN polygon_split ON polygon_split.run = run.run AND polygon_split.polygon_id = candidate.polygon_id
LEFT JOIN selection ON selection.run = run.run AND selection.sample_id = candidate.sample_id
LEFT JOIN quota
    ON quota.run = run.run AND quota.region = candidate.region AND quota.class_code = polygon.class_code
LEFT JOIN prediction ON prediction.run = run.run AND prediction.sample_id = candidate.sample_id
LEFT JOIN model
    ON model.run = run.run AND model.region = prediction.region AND model.kind = prediction.kind
LEFT JOIN class AS predicted ON predicted.class_code = prediction.class_code
WHERE candidate.sample_id = $sample_id
ORDER BY run.run, prediction.kind;
