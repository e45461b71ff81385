-- Draw learn and val, per run, within each region and class, over all tiles at once; a group goes as a whole.
DELETE FROM polygon_split;
INSERT INTO polygon_split BY NAME
WITH ranked AS (
    SELECT run.run, group_stratum.group_id, group_stratum.class_code, group_stratum.region,
        row_number() OVER (
            PARTITION BY run.run, group_stratum.region, group_stratum.class_code
            ORDER BY md5(concat_ws('|', run.random_seed, run.run, group_stratum.group_id)), group_stratum.group_id
        ) AS draw_rank,
        count(*) OVER (PARTITION BY run.run, group_stratum.region, group_stratum.class_code) AS n
    FROM group_stratum ANTI JOIN held_group USING (group_id) CROSS JOIN run
), drawn AS (
    SELECT run, group_id, class_code, region,
        CASE
            WHEN NOT $is_split THEN ['learn']
            WHEN n = 1 AND $lone_both THEN ['learn', 'val']
            WHEN n = 1 THEN ['learn']
            -- Rounded half up, and held between 1 and n - 1 so that there is something to learn and something to test.
            WHEN draw_rank <= CASE WHEN $ratio > 0 AND $ratio < 1
                THEN greatest(1, least(n - 1, floor(n * $ratio::DOUBLE + 0.5)))
                ELSE floor(n * $ratio::DOUBLE + 0.5) END THEN ['learn']
            ELSE ['val']
        END AS splits
    FROM ranked
)
SELECT drawn.run, polygon_group.polygon_id, drawn.region, polygon.class_code, drawn.group_id, unnest(drawn.splits) AS split
FROM drawn JOIN polygon_group USING (group_id) JOIN polygon USING (polygon_id);
