-- The confusion matrix of each run, class by class: how far its map is believed.
SELECT run, reference_code, predicted_code, n_pixels AS n FROM confusion_before_merge ORDER BY ALL;
