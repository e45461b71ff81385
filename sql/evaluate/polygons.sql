-- Validation polygons per run and class.
SELECT run, class_code, n_polygons FROM class_accuracy;
