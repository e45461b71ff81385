-- The regions in their order; one without geometry is everywhere.
SELECT region.region, ST_AsWKB(region.geom) AS wkb FROM region ORDER BY region.region_rank;
