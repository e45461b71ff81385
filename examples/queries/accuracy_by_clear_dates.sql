-- Is the map worse where there were fewer clear dates?
SELECT run, n_valid, count(*) AS n_pixels, count(*) FILTER (predicted_code = reference_code) / count(*) AS accuracy
FROM evaluated_pixel
GROUP BY ALL
ORDER BY run, n_valid;
