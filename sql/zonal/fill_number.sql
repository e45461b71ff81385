-- Pixels per zone and number, over all chunks.
INSERT INTO zone_number BY NAME
SELECT $zone_layer AS zone_layer, $run AS run, zone_id, band, number, sum(n_pixels ORDER BY chunk) AS n_pixels
FROM read_parquet($files)
GROUP BY zone_id, band, number
ORDER BY band, zone_id, number;
