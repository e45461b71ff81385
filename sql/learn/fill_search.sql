-- Bring in what the searches found.
INSERT INTO search_result BY NAME
SELECT run, region, kind, setting, parameters, fold, score FROM read_parquet($files);
