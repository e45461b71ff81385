-- What each model learns from: drawn pixels whose features are complete, in scan order.
SELECT selection.run, candidate.region, selection.sample_id, polygon.class_code
FROM selection
JOIN candidate USING (sample_id)
JOIN polygon USING (polygon_id)
WHERE selection.sample_id IN (
    SELECT sample.sample_id FROM sample GROUP BY sample.sample_id HAVING count(*) = $n_groups
)
ORDER BY selection.run, candidate.region, selection.sample_id;
