-- F-score of each class over the runs.
SELECT accuracy_summary.class_name, n_runs, mean, half_width, corrected_half_width
FROM accuracy_summary JOIN class USING (class_code)
WHERE metric = 'f_score'
ORDER BY class.class_rank;
