-- Bring in what models say of their own samples out of fold.
INSERT INTO model_confusion BY NAME
SELECT run, region, kind, reference_code, predicted_code, n_samples FROM read_parquet($files);
