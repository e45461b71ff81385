-- A model predicts only what it has learnt.
SELECT prediction.run, prediction.sample_id, prediction.class_code
FROM prediction
LEFT JOIN model_class
    ON model_class.run = prediction.run AND model_class.region = prediction.region
    AND model_class.kind = prediction.kind AND model_class.class_code = prediction.class_code
WHERE prediction.class_code IS NOT NULL AND model_class.class_code IS NULL;
