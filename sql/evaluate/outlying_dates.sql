-- Dates on which many polygons are far from those of their class, in a band.
SELECT date, count(*) AS n_outlying, count(*) FILTER (robust_z > 0) AS n_above, string_agg(DISTINCT class_name, ', ' ORDER BY class_name) AS classes
FROM time_outlier($band)
GROUP BY date
ORDER BY n_outlying DESC, date
LIMIT $n_dates;
