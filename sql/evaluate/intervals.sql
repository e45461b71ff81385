-- Intervals within each run, by the bootstrap over polygons.
SELECT accuracy_interval.run, metric, accuracy_interval.class_code, class.class_name, estimate, accuracy_interval.lower_bound,
    accuracy_interval.upper_bound, n_units
FROM accuracy_interval LEFT JOIN accuracy_class AS class USING (class_code)
ORDER BY class.class_rank NULLS FIRST, metric, accuracy_interval.run;
