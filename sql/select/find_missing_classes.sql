-- Classes of a byclass file that have no pixel to draw.
INSERT INTO finding BY NAME
SELECT
    'select' AS stage, 'warning' AS severity, 'selection' AS subject,
    'class ' || wanted.class_code || ', region ' || wanted.region AS item,
    wanted.n_wanted || ' pixels asked for, the class has none to learn from there' AS message,
    'none was drawn' AS remedy
FROM (
    SELECT unnest($wanted_classes::STRUCT(region VARCHAR, class_code INTEGER, n_wanted BIGINT)[], recursive := true)
) AS wanted
WHERE wanted.n_wanted > 0 AND NOT EXISTS (
    FROM quota WHERE quota.region = wanted.region AND quota.class_code = wanted.class_code
)
ORDER BY wanted.region, wanted.class_code;
