-- The regions, that is, the models of a run.
SELECT region FROM region ORDER BY region_rank;
