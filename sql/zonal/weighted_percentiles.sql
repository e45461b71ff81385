-- Percentiles of some zones, pixels counting by their covered share: where the sum of shares passes the fraction.
WITH ranked AS (
    SELECT zone_id, number,
        sum(n_pixels) OVER (PARTITION BY zone_id ORDER BY number) / sum(n_pixels) OVER (PARTITION BY zone_id) AS reached
    FROM zone_number
    WHERE band = $band AND zone_id >= $first AND zone_id < $end
)
-- A sum that meets the fraction lies between two numbers; rounding must not decide which.
SELECT zone_id,
    (min(number) FILTER (reached >= $fraction - 1e-12)
     + coalesce(min(number) FILTER (reached > $fraction + 1e-12), max(number))) / 2 AS number
FROM ranked
GROUP BY zone_id;
