-- Name and colour of every class.
SELECT class_code, class_name, red, green, blue FROM class ORDER BY class_rank;
