-- Regions that hold candidates of some classes.
SELECT DISTINCT candidate.region
FROM candidate JOIN polygon USING (polygon_id)
WHERE polygon.class_code IN (SELECT unnest($class_codes::INTEGER[]))
ORDER BY candidate.region;
