-- Pixels of some classes whose features are complete, as another project knows them.
SELECT -1 - candidate.sample_id AS sample_id, -1 - candidate.polygon_id AS polygon_id, candidate.region,
    polygon.class_code, 'previous_' || candidate.tile AS tile, candidate.chunk
FROM candidate JOIN polygon USING (polygon_id)
WHERE polygon.class_code IN (SELECT unnest($class_codes::INTEGER[])) AND candidate.sample_id IN (
    SELECT sample_id FROM sample
    GROUP BY sample_id HAVING count(*) = (SELECT count(DISTINCT feature_group) FROM feature)
)
ORDER BY candidate.sample_id;
