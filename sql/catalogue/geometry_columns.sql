-- Type of the geometry columns, which holds their projection.
SELECT table_name, data_type FROM duckdb_columns() WHERE NOT internal AND column_name = 'geom';
