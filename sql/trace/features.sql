-- Features of a pixel, in the unit of each.
SELECT feature.feature_name, feature.sensor, feature.band, feature.date,
    sample.features[feature.feature_rank] AS stored, sample.features[feature.feature_rank] * feature.scale AS measure,
    feature.unit
FROM sample JOIN feature USING (feature_group)
WHERE sample.sample_id = $sample_id
ORDER BY feature.feature_id;
