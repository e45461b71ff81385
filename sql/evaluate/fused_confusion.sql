-- The confusion of the fused map, in the form of a run's.
SELECT 0 AS run, reference_code, predicted_code, n_pixels FROM map_confusion WHERE run IS NULL AND NOT is_smoothed;
