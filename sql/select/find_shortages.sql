-- Classes that have fewer pixels than the strategy asks for: all there are were taken.
INSERT INTO finding BY NAME
SELECT
    'select' AS stage, 'warning' AS severity, 'selection' AS subject,
    class.class_name || ' (' || quota.class_code || '), region ' || quota.region || ', run ' || quota.run AS item,
    quota.n_required || ' pixels asked for, ' || quota.n_available || ' available' AS message,
    'all of them were taken' AS remedy
FROM quota JOIN class USING (class_code)
WHERE quota.n_required > quota.n_available
ORDER BY quota.run, quota.region, class.class_rank;
