-- Importance of the features, mean over runs and regions.
SELECT feature.feature_name, feature.sensor, feature.band, feature.date, feature_importance.method,
    avg(feature_importance.importance) AS importance
FROM feature_importance JOIN feature USING (feature_name)
GROUP BY ALL
ORDER BY feature_importance.method, importance DESC, feature.feature_name;
