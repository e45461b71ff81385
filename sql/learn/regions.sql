-- The models of a run, each with its region and the sensor that it is for.
SELECT region_model.model, region_model.region, region_model.sensor
FROM region_model JOIN region USING (region)
ORDER BY region.region_rank, region_model.model;
