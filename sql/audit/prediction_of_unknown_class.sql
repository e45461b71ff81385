-- A model predicts only what it has learnt.
SELECT prediction.run, prediction.sample_id, prediction.class_code
FROM prediction
LEFT JOIN region_class
    ON region_class.run = prediction.run AND region_class.region = prediction.region
    AND region_class.kind = prediction.kind AND region_class.class_code = prediction.class_code
WHERE prediction.class_code IS NOT NULL AND region_class.class_code IS NULL;
