-- Every measure of every run, of the map (no class) and of each class.
SELECT run, metric, class_name, measure
FROM (
    UNPIVOT (SELECT run, NULL::VARCHAR AS class_name, overall_accuracy, kappa, f_score FROM accuracy)
    ON overall_accuracy, kappa, f_score INTO NAME metric VALUE measure
    UNION ALL BY NAME
    UNPIVOT (SELECT run, class_name, f_score FROM class_accuracy) ON f_score INTO NAME metric VALUE measure
)
ORDER BY class_name NULLS FIRST, metric = 'f_score', metric = 'kappa', run;
