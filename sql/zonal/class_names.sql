-- What columns of rates are called: aliases of the project's classes, else names.
SELECT class_code, coalesce(alias, class_name) AS column_name FROM class ORDER BY class_rank;
