-- Classes of which no polygon is kept aside for the validation of the fused map.
INSERT INTO finding BY NAME
SELECT 'split' AS stage, 'warning' AS severity, 'class' AS subject, class.class_name || ' (' || class.class_code || ')' AS item,
    'has ' || used.n_groups || CASE WHEN used.n_groups = 1 THEN ' polygon' ELSE ' polygons' END
        || ', too few to keep one aside (arg_classification.merge_final_classifications)' AS message,
    'how well the fused map shows it is unknown' AS remedy
FROM (
    SELECT class_code, count(*) AS n_groups
    FROM group_stratum
    GROUP BY class_code
    HAVING count(*) FILTER (group_id IN (SELECT held_group.group_id FROM held_group)) = 0
) AS used
JOIN class USING (class_code)
ORDER BY class.class_rank;
