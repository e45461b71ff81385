-- The classes whose accuracy is told, annual ones merged where that is asked for.
SELECT class_code, class_name, red, green, blue FROM accuracy_class ORDER BY class_rank;
