-- Columns of tables and views with their types and comments.
SELECT table_name AS relation, column_name, data_type, comment
FROM duckdb_columns()
WHERE NOT internal
ORDER BY relation, column_index;
