-- The same over the pixels of one class.
SELECT zone_id, n_pixels, mean, standard_deviation, minimum, maximum
FROM zone_statistics
WHERE band = $band AND class_code = $class_code AND zone_id >= $first AND zone_id < $end;
