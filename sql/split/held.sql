-- Held groups are of no run's learn or val side.
INSERT INTO polygon_split BY NAME
SELECT run.run, polygon_group.polygon_id, group_stratum.region, polygon.class_code, polygon_group.group_id, 'held' AS split
FROM held_group
CROSS JOIN run
JOIN group_stratum USING (group_id)
JOIN polygon_group USING (group_id)
JOIN polygon USING (polygon_id);
