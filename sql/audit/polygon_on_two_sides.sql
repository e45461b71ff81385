-- In a run a polygon learns or validates; both only where a lone polygon was asked to.
SELECT run, polygon_id, list(split) AS splits
FROM polygon_split
GROUP BY run, polygon_id
HAVING count(*) > 1 AND NOT EXISTS (
    FROM configuration
    WHERE configuration.section = 'arg_train' AND configuration.key = 'lone_polygon' AND configuration.setting = '"both"'
);
