-- Means over runs with plain and corrected intervals.
SELECT metric, class_code, class_name, n_runs, mean, half_width, corrected_half_width FROM accuracy_summary;
