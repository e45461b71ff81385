-- Mean, deviation and range of a band in some zones, over all their pixels with data.
SELECT zone_id, n_pixels, mean, standard_deviation, minimum, maximum
FROM zone_statistics
WHERE band = $band AND class_code IS NULL AND zone_id >= $first AND zone_id < $end;
