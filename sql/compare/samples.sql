-- Pixels of each class on their way to the models, all regions together, on average over the runs.
SELECT class_name, avg(n_available) AS n_candidate, avg(n_required) AS n_required, avg(n_selected) AS n_selected,
    avg(n_learn) AS n_extracted, avg(n_val) AS n_val
FROM (
    SELECT class_statistics.run, class_statistics.class_name, class.class_rank,
        sum(class_statistics.n_available) AS n_available, sum(class_statistics.n_required) AS n_required,
        sum(class_statistics.n_selected) AS n_selected, sum(class_statistics.n_learn) AS n_learn,
        sum(class_statistics.n_val) AS n_val
    FROM class_statistics JOIN class USING (class_code)
    GROUP BY ALL
)
GROUP BY class_name, class_rank
ORDER BY class_rank;
