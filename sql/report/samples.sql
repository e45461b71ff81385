-- Samples per region and class: means over the runs.
SELECT class_statistics.region, class_statistics.class_name, avg(n_learn_polygons) AS n_learn_polygons,
    avg(n_val_polygons) AS n_val_polygons, avg(n_available) AS n_available, avg(n_required) AS n_required,
    avg(n_learn) AS n_learn, avg(n_val) AS n_val
FROM class_statistics
JOIN region ON region.region = class_statistics.region
JOIN class ON class.class_code = class_statistics.class_code
GROUP BY class_statistics.region, region.region_rank, class_statistics.class_name, class.class_rank
ORDER BY region.region_rank, class.class_rank;
