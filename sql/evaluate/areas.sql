-- Area of each class per run, as mapped and as corrected, in hectares.
SELECT class_area.run, coalesce(class.class_name, class_area.class_code::VARCHAR) AS class_name,
    mapped_area / 1e4 AS mapped, adjusted_area / 1e4 AS adjusted, lower_bound / 1e4 AS lower_bound,
    upper_bound / 1e4 AS upper_bound
FROM class_area LEFT JOIN accuracy_class AS class USING (class_code)
ORDER BY class_area.run, class.class_rank;
