-- Bring in the samples of some groups and chunks.
INSERT INTO sample BY NAME
SELECT sample_id, feature_group, tile, chunk, features FROM read_parquet($files);
