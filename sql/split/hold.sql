-- Groups kept aside for the validation of the fused map, per region and class, the same in all runs.
DELETE FROM held_group;
INSERT INTO held_group BY NAME
WITH ranked AS (
    SELECT group_id,
        row_number() OVER (
            PARTITION BY region, class_code ORDER BY md5(concat_ws('|', $random_seed, 'held', group_id)), group_id
        ) AS draw_rank,
        count(*) OVER (PARTITION BY region, class_code) AS n
    FROM group_stratum
)
SELECT group_id
FROM ranked
-- Rounded half up; at least one, and two are left so that there is something to learn and something to test.
WHERE n >= 3 AND draw_rank <= greatest(1, least(n - 2, floor(n * $ratio::DOUBLE + 0.5)))
ORDER BY group_id;
