-- What was counted, as files that outlive the database.
COPY (SELECT * FROM zone_class) TO $class_file (FORMAT parquet, COMPRESSION zstd);
COPY (SELECT * FROM zone_moment) TO $moment_file (FORMAT parquet, COMPRESSION zstd);
COPY (SELECT * FROM zone_number) TO $number_file (FORMAT parquet, COMPRESSION zstd);
