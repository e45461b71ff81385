-- Shares of classes in some zones.
SELECT zone_id, class_code, rate FROM zone_rate WHERE band = $band AND zone_id >= $first AND zone_id < $end;
