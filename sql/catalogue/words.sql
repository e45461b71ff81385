-- What can be completed while a query is typed, with what it is; of what has two meanings, the first is taken.
SELECT word, kind
FROM (
    SELECT table_name AS word, 'table' AS kind, 1 AS place FROM duckdb_tables() WHERE NOT internal
    UNION ALL
    SELECT view_name, 'view', 2 FROM duckdb_views() WHERE NOT internal
    UNION ALL
    SELECT function_name, 'macro', 3 FROM duckdb_functions() WHERE NOT internal AND function_type = 'table_macro'
    UNION ALL
    SELECT DISTINCT column_name, 'column', 4 FROM duckdb_columns() WHERE NOT internal
    UNION ALL
    SELECT upper(keyword_name), 'keyword', 5 FROM duckdb_keywords() WHERE keyword_category = 'reserved'
    UNION ALL
    SELECT DISTINCT function_name, 'function', 6
    FROM duckdb_functions()
    WHERE internal AND regexp_matches(function_name, '^[a-zA-Z]\w+$')
)
ORDER BY place, word;
