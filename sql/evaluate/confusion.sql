-- The confusion of all runs.
SELECT run, reference_code, predicted_code, n_pixels FROM confusion;
