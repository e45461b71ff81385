-- A sample has as many features as its group.
SELECT sample.sample_id, sample.feature_group, len(sample.features) AS n
FROM sample
LEFT JOIN (SELECT feature.feature_group, count(*) AS n FROM feature GROUP BY ALL) AS expected USING (feature_group)
WHERE expected.n IS NULL OR len(sample.features) <> expected.n;
