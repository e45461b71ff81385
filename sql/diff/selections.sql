-- Pixels drawn by both projects, and by one only, per run.
SELECT coalesce(before.run, now.run) AS run,
    count(*) FILTER (before.sample_id IS NOT NULL AND now.sample_id IS NOT NULL) AS n_both,
    count(*) FILTER (now.sample_id IS NULL) AS n_removed,
    count(*) FILTER (before.sample_id IS NULL) AS n_added
FROM selection AS before
FULL JOIN other.selection AS now ON now.run = before.run AND now.sample_id = before.sample_id
GROUP BY ALL
ORDER BY ALL;
