-- How does the NDVI of each class run through the year?
SELECT class_name, date, n_samples, mean * scale AS mean, lower_quartile * scale AS lower_quartile,
    upper_quartile * scale AS upper_quartile
FROM profile('NDVI') CROSS JOIN (SELECT DISTINCT scale FROM feature WHERE band = 'NDVI')
ORDER BY class_name, date;
