-- Bring in the rejections of some groups and chunks.
INSERT INTO rejection BY NAME
SELECT sample_id, feature_group, tile, chunk, reason FROM read_parquet($files);
