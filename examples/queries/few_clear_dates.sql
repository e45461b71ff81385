-- Which classes learn from pixels that the satellite hardly saw?
SELECT selection.run, class.class_name, count(*) AS n_samples, min(candidate.n_valid) AS fewest_clear_dates,
    median(candidate.n_valid) AS median_clear_dates, max(candidate.longest_gap) AS longest_gap_days
FROM selection
JOIN candidate USING (sample_id)
JOIN polygon USING (polygon_id)
JOIN class USING (class_code)
GROUP BY selection.run, class.class_name, class.class_rank
ORDER BY selection.run, class.class_rank;
