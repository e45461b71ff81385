-- The same over the pixels of each zone's majority class.
SELECT zone_statistics.zone_id, zone_statistics.n_pixels, zone_statistics.mean, zone_statistics.standard_deviation,
    zone_statistics.minimum, zone_statistics.maximum
FROM zone_statistics
JOIN zone_majority
    ON zone_majority.zone_id = zone_statistics.zone_id AND zone_majority.class_code = zone_statistics.class_code
WHERE zone_statistics.band = $band AND zone_majority.band = $class_band
    AND zone_statistics.zone_id >= $first AND zone_statistics.zone_id < $end
    AND zone_majority.zone_id >= $first AND zone_majority.zone_id < $end;
