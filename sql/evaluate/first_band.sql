-- The band that comes first among the features that have a date: blue, which clouds brighten most, of optical sensors.
SELECT band FROM feature WHERE date IS NOT NULL ORDER BY feature_id LIMIT 1;
