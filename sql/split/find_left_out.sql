-- Runs that leave polygons out for being near to val, and runs that have nothing to validate.
INSERT INTO finding BY NAME
WITH side AS (
    SELECT run.run, run.held_out,
        count(*) FILTER (polygon_split.split = 'val') AS n_val,
        count(*) FILTER (polygon_split.split = 'buffer') AS n_buffer
    FROM run LEFT JOIN polygon_split USING (run)
    GROUP BY ALL
)
SELECT 'split' AS stage, 'note' AS severity, 'run' AS subject,
    concat_ws(', without ', run, held_out) AS item,
    n_buffer || ' polygons are near to val, or partly in what is left out' AS message,
    'they neither learn nor validate (split buffer in polygon_split)' AS remedy
FROM side
WHERE n_buffer > 0
UNION ALL BY NAME
SELECT 'split' AS stage, 'warning' AS severity, 'run' AS subject,
    concat_ws(', without ', run, held_out) AS item,
    'has no polygon for validation' AS message,
    'its accuracy is unknown' AS remedy
FROM side
WHERE n_val = 0 AND $is_told
ORDER BY severity, item;
