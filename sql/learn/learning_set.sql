-- What each model learns from, in scan order: the drawn pixels of its region whose features are complete, and copies.
WITH own AS (
    SELECT selection.run, selection.region, selection.sample_id, pixel.class_code, pixel.polygon_id
    FROM selection
    JOIN labelled_pixel AS pixel USING (sample_id)
    WHERE selection.sample_id IN (
        SELECT sample.sample_id FROM sample GROUP BY sample.sample_id HAVING count(*) = $n_groups
    )
), rule AS (
    SELECT unnest($copies::STRUCT(
        source VARCHAR, destination VARCHAR, class_code INTEGER, quantity BIGINT)[], recursive := true)
), copied AS (
    SELECT own.run, rule.destination AS region, own.sample_id, own.class_code, own.polygon_id, rule.quantity,
        row_number() OVER (
            PARTITION BY own.run, rule.source, rule.destination, own.class_code
            ORDER BY md5(concat_ws('|', $random_seed, own.run, rule.destination, own.sample_id)), own.sample_id
        ) AS place
    FROM own JOIN rule ON rule.source = own.region AND rule.class_code = own.class_code
)
SELECT run, region, sample_id, class_code, polygon_id, FALSE AS is_copied FROM own
UNION ALL
SELECT run, region, sample_id, class_code, polygon_id, TRUE AS is_copied FROM copied
WHERE quantity < 0 OR place <= quantity
ORDER BY run, region, sample_id;
