-- Bring in what was counted for a layer of zones.
INSERT INTO zone_band BY NAME SELECT * FROM read_parquet($band_file);
INSERT INTO zone_class BY NAME SELECT * FROM read_parquet($class_file);
INSERT INTO zone_moment BY NAME SELECT * FROM read_parquet($moment_file);
INSERT INTO zone_number BY NAME SELECT * FROM read_parquet($number_file);
