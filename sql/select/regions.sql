-- Regions in their order.
SELECT region FROM region ORDER BY region_rank;
