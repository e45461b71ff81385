-- The nomenclature with its colours.
SELECT class_code, class_name, red, green, blue FROM class ORDER BY class_rank;
