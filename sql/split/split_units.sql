-- Leave one tile, region, year or value out per run: val is mostly in it, buffer a little, learn not at all.
DELETE FROM polygon_split;
INSERT INTO polygon_split BY NAME
WITH touched AS (
    SELECT DISTINCT polygon_group.group_id, polygon_unit.unit
    FROM polygon_unit JOIN polygon_group USING (polygon_id)
)
SELECT run.run, polygon_group.polygon_id, group_stratum.region, polygon.class_code, polygon_group.group_id,
    CASE
        WHEN group_unit.unit = run.held_out THEN 'val'
        WHEN touched.unit IS NOT NULL THEN 'buffer'
        ELSE 'learn'
    END AS split
FROM run
CROSS JOIN group_stratum
JOIN polygon_group USING (group_id)
JOIN polygon USING (polygon_id)
LEFT JOIN group_unit USING (group_id)
LEFT JOIN touched ON touched.group_id = group_stratum.group_id AND touched.unit = run.held_out
ANTI JOIN held_group ON held_group.group_id = group_stratum.group_id;
