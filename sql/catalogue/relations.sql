-- Tables, views and table macros with their comments.
SELECT 'table' AS kind, table_name AS relation, comment FROM duckdb_tables() WHERE NOT internal
UNION ALL
SELECT 'view', view_name, comment FROM duckdb_views() WHERE NOT internal
UNION ALL
SELECT 'macro', function_name || '(' || array_to_string(parameters, ', ') || ')', comment
FROM duckdb_functions() WHERE NOT internal AND function_type = 'table_macro'
ORDER BY kind, relation;
