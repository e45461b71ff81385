-- Every measure of every run, of the map (no class) and of each class.
SELECT run, metric, class_name, measure
FROM (
    -- Read once: what a class does not have is null, and null makes no row.
    UNPIVOT (
        SELECT measured.run, class.class_name, measured.overall_accuracy, measured.kappa, measured.f_score
        FROM accuracy_measure AS measured LEFT JOIN accuracy_class AS class USING (class_code)
    )
    ON overall_accuracy, kappa, f_score INTO NAME metric VALUE measure
)
ORDER BY class_name NULLS FIRST, metric = 'f_score', metric = 'kappa', run;
