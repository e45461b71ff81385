-- The band whose course is shown: NDVI, or else the first that has dates.
SELECT band, coalesce(any_value(scale), 1) AS scale, any_value(unit) AS unit
FROM feature
WHERE date IS NOT NULL
GROUP BY band
ORDER BY lower(band) = 'ndvi' DESC, min(feature_id)
LIMIT 1;
