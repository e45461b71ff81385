-- The majority class of some zones.
SELECT zone_id, class_code FROM zone_majority WHERE band = $band AND zone_id >= $first AND zone_id < $end;
