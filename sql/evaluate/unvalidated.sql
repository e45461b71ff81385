-- Classes that a model has learnt and no run validates.
SELECT class.class_name
FROM accuracy_class AS class
WHERE class.class_code IN (
        SELECT coalesce(annual_class.merged_code, model_class.class_code)
        FROM model_class LEFT JOIN annual_class USING (class_code)
    )
    AND class.class_code NOT IN (SELECT evaluated_pixel.reference_code FROM evaluated_pixel)
ORDER BY class.class_rank;
