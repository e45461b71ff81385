-- Bring in how important the features are to the models.
INSERT INTO feature_importance BY NAME
SELECT run, region, kind, method, feature_name, importance, deviation, n_samples FROM read_parquet($files);
