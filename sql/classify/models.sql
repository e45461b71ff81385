-- The models, with where they lie, the region whose pixels each classifies, and the sensor that it is for.
SELECT model.run, coalesce(region_model.region, model.region) AS region, model.region AS model, region_model.sensor,
    model.kind, model.path, model.checksum
FROM model LEFT JOIN region_model ON region_model.model = model.region
ORDER BY ALL;
