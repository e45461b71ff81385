-- The regions as they were read.
DELETE FROM region;
INSERT INTO region BY NAME
SELECT region, region_rank, ST_GeomFromWKB(wkb) AS geom FROM incoming_geometries ORDER BY region_rank;
