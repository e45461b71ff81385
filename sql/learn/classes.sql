-- The nomenclature.
SELECT class_code, class_name FROM class ORDER BY class_rank;
