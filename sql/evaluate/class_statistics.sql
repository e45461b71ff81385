-- Samples per run, region and class, for the report.
SELECT run, region, class_name, n_learn_polygons, n_val_polygons, n_available, n_required, n_learn, n_val
FROM class_statistics;
