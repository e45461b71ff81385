-- Which acquisitions went in, per tile, sensor and month?
SELECT tile, sensor, strftime(date, '%Y-%m') AS month, count(*) AS n_products, count(DISTINCT date) AS n_dates,
    string_agg(DISTINCT platform, ', ' ORDER BY platform) AS platforms
FROM acquisition
GROUP BY ALL
ORDER BY tile, sensor, month;
