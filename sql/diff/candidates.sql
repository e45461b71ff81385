-- Candidate pixels that only one project has.
SELECT count(*) FILTER (now.sample_id IS NOT NULL AND before.sample_id IS NOT NULL) AS n_both,
    count(*) FILTER (now.sample_id IS NULL) AS n_removed,
    count(*) FILTER (before.sample_id IS NULL) AS n_added
FROM candidate AS before FULL JOIN other.candidate AS now ON now.sample_id = before.sample_id;
