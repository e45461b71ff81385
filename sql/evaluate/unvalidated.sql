-- Classes that a model has learnt and no run validates.
SELECT class.class_name
FROM class
WHERE class.class_code IN (SELECT model_class.class_code FROM model_class)
    AND class.class_code NOT IN (SELECT evaluated_pixel.reference_code FROM evaluated_pixel)
ORDER BY class.class_rank;
