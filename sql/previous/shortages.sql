-- Annual classes that no model learns in some run.
INSERT INTO finding BY NAME
SELECT
    'select' AS stage, 'warning' AS severity, 'selection' AS subject,
    class.class_name || ' (' || annual_class.class_code || '), run ' || run.run AS item,
    'annual class: the previous year has no pixel of it off this year''s val polygons' AS message,
    'it is not learnt' AS remedy
FROM annual_class
JOIN class USING (class_code)
CROSS JOIN run
ANTI JOIN quota ON quota.run = run.run AND quota.class_code = annual_class.class_code AND quota.n_drawn > 0
ORDER BY run.run, class.class_rank;
