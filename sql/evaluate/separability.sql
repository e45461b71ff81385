-- Per pair of classes the dates on which they are best and worst apart.
SELECT one.class_name AS class_name, other.class_name AS other_name,
    arg_max(date, (jeffries_matusita, -epoch(date))) AS best_date, max(jeffries_matusita) AS best,
    arg_min(date, (jeffries_matusita, epoch(date))) AS worst_date, min(jeffries_matusita) AS worst
FROM class_separability
JOIN class AS one ON one.class_code = class_separability.class_code
JOIN class AS other ON other.class_code = class_separability.other_code
GROUP BY one.class_name, one.class_rank, other.class_name, other.class_rank
ORDER BY best, one.class_rank, other.class_rank
LIMIT $n_pairs;
