-- Selected = extracted + rejected, in every group of features.
SELECT selection.run, selection.sample_id, feature_group.feature_group
FROM selection
CROSS JOIN (SELECT DISTINCT feature.feature_group FROM feature) AS feature_group
WHERE EXISTS (FROM publication WHERE publication.stage = 'extract')
    AND NOT EXISTS (
        FROM sample
        WHERE sample.sample_id = selection.sample_id AND sample.feature_group = feature_group.feature_group
    )
    AND NOT EXISTS (
        FROM rejection
        WHERE rejection.sample_id = selection.sample_id AND rejection.feature_group = feature_group.feature_group
    );
