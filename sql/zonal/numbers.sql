-- How many numbers some zones hold, the most frequent (of equals the smallest), and the first: the one a point has.
SELECT zone_id, count(*) AS variety, arg_max(number, (n_pixels, -number)) AS majority, min(number) AS first_number
FROM zone_number
WHERE band = $band AND zone_id >= $first AND zone_id < $end
GROUP BY zone_id;
