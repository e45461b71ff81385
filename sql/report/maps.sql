-- Accuracy of every map, those that the same polygons judge one after the other.
SELECT run, is_smoothed, evaluated_on, n_polygons, n_pixels, n_undecided, overall_accuracy, kappa, f_score, share_right
FROM map_accuracy
WHERE EXISTS (FROM derived_prediction)
ORDER BY evaluated_on, run NULLS LAST, is_smoothed;
