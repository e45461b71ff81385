-- The pairs of classes most confused, over all runs.
SELECT reference_name, predicted_name, n_pixels, share_of_errors
FROM top_confusion
ORDER BY n_pixels DESC, reference_code, predicted_code
LIMIT $n_pairs;
