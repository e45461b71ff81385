-- Classes that a band holds anywhere in the zones.
SELECT DISTINCT class_code FROM zone_class WHERE band = $band ORDER BY class_code;
