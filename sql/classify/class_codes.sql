-- All codes of the nomenclature, ascending: the bands of a probability map.
SELECT class_code FROM class ORDER BY class_code;
