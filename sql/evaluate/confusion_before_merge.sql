-- The confusion of all runs class by class.
SELECT run, reference_code, predicted_code, n_pixels FROM confusion_before_merge;
