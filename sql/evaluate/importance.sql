-- Importance of each band on each date, mean over the models of all runs and regions.
WITH model_count AS (
    SELECT method, count(DISTINCT (run, region)) AS n_models FROM feature_importance GROUP BY method
)
SELECT feature_importance.method, feature.band, feature.date::VARCHAR AS date,
    sum(feature_importance.importance) / any_value(model_count.n_models) AS importance
FROM feature_importance
JOIN feature USING (feature_name)
JOIN model_count ON model_count.method = feature_importance.method
GROUP BY feature_importance.method, feature.band, feature.date
ORDER BY feature_importance.method, min(feature.feature_id);
