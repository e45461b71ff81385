-- What became of a pixel in each run: side of the split, draw, models of its region, label in the map.
WITH here AS (
    SELECT candidate.sample_id, candidate.polygon_id, candidate.region,
        coalesce(region_model.model, candidate.region) AS model_name, region_model.sensor
    FROM candidate LEFT JOIN region_model USING (region)
    WHERE candidate.sample_id = $sample_id
)
SELECT run.run, polygon_split.split, here.model_name, selection.sample_id IS NOT NULL AS is_drawn, quota.sampler,
    quota.strategy, quota.n_available, quota.n_required, quota.n_drawn, quota.rate, prediction.kind, model.path AS model,
    predicted.class_name AS predicted, prediction.class_code = polygon.class_code AS is_right, prediction.confidence
FROM here
JOIN polygon USING (polygon_id)
CROSS JOIN run
LEFT JOIN polygon_split ON polygon_split.run = run.run AND polygon_split.polygon_id = here.polygon_id
LEFT JOIN selection
    ON selection.run = run.run AND selection.sample_id = here.sample_id AND selection.region = here.model_name
LEFT JOIN quota
    ON quota.run = run.run AND quota.region = here.model_name AND quota.class_code = polygon.class_code
LEFT JOIN prediction ON prediction.run = run.run AND prediction.sample_id = here.sample_id
LEFT JOIN model
    ON model.run = run.run AND model.region = here.model_name AND model.kind = prediction.kind
LEFT JOIN class AS predicted ON predicted.class_code = prediction.class_code
ORDER BY run.run, here.model_name, prediction.kind;
