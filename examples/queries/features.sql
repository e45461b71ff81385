-- Which features does the model have: bands and indices, over which dates?
SELECT sensor, band, count(*) AS n_dates, min(date) AS first_date, max(date) AS last_date, any_value(unit) AS unit,
    any_value(scale) AS scale
FROM feature
GROUP BY sensor, band
ORDER BY sensor, min(feature_id);
