-- Accuracy of the map over the runs, a row per measure.
SELECT metric, n_runs, mean, half_width, corrected_half_width
FROM accuracy_summary
WHERE class_code IS NULL
ORDER BY metric = 'f_score', metric = 'kappa';
