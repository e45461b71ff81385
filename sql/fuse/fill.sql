-- Bring in what maps made of other maps say in some chunks.
INSERT INTO derived_prediction BY NAME
SELECT run, is_smoothed, tile, chunk, sample_id, class_code, confidence FROM read_parquet($files);
