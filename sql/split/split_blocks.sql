-- Draw learn and val by blocks, per run: all polygons whose group is mostly in a block go with it.
DELETE FROM polygon_split;
INSERT INTO polygon_split BY NAME
WITH block AS (
    SELECT DISTINCT unit FROM group_unit ANTI JOIN held_group USING (group_id)
), ranked AS (
    SELECT run.run, block.unit,
        row_number() OVER (
            PARTITION BY run.run ORDER BY md5(concat_ws('|', run.random_seed, run.run, block.unit)), block.unit
        ) AS draw_rank,
        count(*) OVER (PARTITION BY run.run) AS n
    FROM block CROSS JOIN run
)
SELECT ranked.run, polygon_group.polygon_id, group_stratum.region, polygon.class_code, polygon_group.group_id,
    -- Rounded half up, and held between 1 and n - 1 so that there is something to learn and something to test.
    CASE WHEN ranked.draw_rank <= CASE WHEN $ratio > 0 AND $ratio < 1
        THEN greatest(1, least(ranked.n - 1, floor(ranked.n * $ratio::DOUBLE + 0.5)))
        ELSE floor(ranked.n * $ratio::DOUBLE + 0.5) END THEN 'learn'
    ELSE 'val' END AS split
FROM ranked
JOIN group_unit USING (unit)
JOIN group_stratum USING (group_id)
JOIN polygon_group USING (group_id)
JOIN polygon USING (polygon_id)
ANTI JOIN held_group ON held_group.group_id = polygon_group.group_id;
