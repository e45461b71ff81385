-- Products per sensor and tile, with one hash over the fingerprints of all of them.
SELECT sensor, tile, count(*) AS n_products, count(DISTINCT date) AS n_dates, min(date) AS first_date,
    max(date) AS last_date, md5(string_agg(product || '=' || fingerprint, ';' ORDER BY product)) AS fingerprint
FROM acquisition
GROUP BY sensor, tile
ORDER BY sensor, tile;
