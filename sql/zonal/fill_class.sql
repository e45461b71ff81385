-- Pixels per zone and class, over all chunks.
INSERT INTO zone_class BY NAME
SELECT $zone_layer AS zone_layer, $run AS run, zone_id, band, code AS class_code, sum(n_pixels ORDER BY chunk) AS n_pixels
FROM read_parquet($files)
GROUP BY zone_id, band, code
ORDER BY band, zone_id, code;
