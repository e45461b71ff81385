-- Some extracted pixels of a class, the same ones every time.
SELECT sample.features
FROM sample JOIN candidate USING (sample_id) JOIN polygon USING (polygon_id)
WHERE polygon.class_code = $class_code AND sample.feature_group = $feature_group
ORDER BY md5(sample.sample_id::VARCHAR), sample.sample_id
LIMIT $n_samples;
