-- Bring in the zones of a layer.
INSERT INTO zone BY NAME
SELECT $zone_layer AS zone_layer, zone_id, properties, ST_GeomFromWKB(wkb) AS geom
FROM read_parquet($files) ORDER BY zone_id;
