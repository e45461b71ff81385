-- The models, each with its region.
SELECT region_model.model, region_model.region
FROM region_model JOIN region USING (region)
ORDER BY region.region_rank, region_model.model;
