-- Bring in the curves of all models.
DELETE FROM learning_curve;
INSERT INTO learning_curve BY NAME
SELECT run, region, size, n_samples, reference_code, predicted_code, n_pixels
FROM read_parquet($files)
ORDER BY ALL;
