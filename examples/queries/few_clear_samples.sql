-- Which samples were seen on fewer clear dates than wanted, and how long were they not seen at all?
SELECT candidate.sample_id, candidate.polygon_id, class.class_name, candidate.tile, candidate.n_valid,
    candidate.longest_gap AS longest_gap_days, list(selection.run ORDER BY selection.run) AS drawn_in_runs
FROM candidate
JOIN polygon USING (polygon_id)
JOIN class USING (class_code)
JOIN selection USING (sample_id)
WHERE candidate.n_valid < $fewest
GROUP BY ALL
ORDER BY candidate.n_valid, candidate.sample_id;
