-- Percentiles of some zones, pixels counting one each: linear between neighbours, as numpy's default is.
WITH ranked AS (
    SELECT zone_id, number,
        sum(n_pixels) OVER (PARTITION BY zone_id ORDER BY number) AS n_up_to,
        sum(n_pixels) OVER (PARTITION BY zone_id) AS n_all
    FROM zone_number
    WHERE band = $band AND zone_id >= $first AND zone_id < $end
), bracket AS (
    SELECT zone_id, any_value((n_all - 1) * $fraction) AS place,
        min(number) FILTER (n_up_to > floor((n_all - 1) * $fraction)) AS below,
        min(number) FILTER (n_up_to > ceil((n_all - 1) * $fraction)) AS above
    FROM ranked
    GROUP BY zone_id
)
SELECT zone_id, below + (place - floor(place)) * (above - below) AS number FROM bracket;
