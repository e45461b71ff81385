-- Bring in the predictions of some chunks.
INSERT INTO prediction BY NAME
SELECT run, region, kind, tile, chunk, sample_id, class_code, confidence FROM read_parquet($files);
