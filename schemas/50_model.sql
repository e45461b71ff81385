-- What was learnt.

CREATE TABLE IF NOT EXISTS model (
    run INTEGER, region VARCHAR, kind VARCHAR, path VARCHAR, n_samples BIGINT, n_classes INTEGER,
    n_features INTEGER, confidence_kind VARCHAR, parameters VARCHAR, checksum VARCHAR
);
COMMENT ON TABLE model IS 'Models, one per run and region.';
COMMENT ON COLUMN model.run IS 'Run.';
COMMENT ON COLUMN model.region IS 'Region whose samples it learnt, and whose pixels it classifies.';
COMMENT ON COLUMN model.kind IS 'Kind of model, e.g. rf.';
COMMENT ON COLUMN model.path IS 'Folder of the model within the output folder.';
COMMENT ON COLUMN model.n_samples IS 'Samples it learnt from.';
COMMENT ON COLUMN model.n_classes IS 'Classes it knows.';
COMMENT ON COLUMN model.n_features IS 'Features it needs.';
COMMENT ON COLUMN model.confidence_kind IS 'What its confidence is.';
COMMENT ON COLUMN model.parameters IS 'Its parameters, as JSON.';
COMMENT ON COLUMN model.checksum IS 'BLAKE2b hash of its arrays.';

CREATE TABLE IF NOT EXISTS model_class (run INTEGER, region VARCHAR, kind VARCHAR, class_code INTEGER, n_samples BIGINT);
COMMENT ON TABLE model_class IS 'Classes that each model knows.';
COMMENT ON COLUMN model_class.run IS 'Run.';
COMMENT ON COLUMN model_class.region IS 'Region.';
COMMENT ON COLUMN model_class.kind IS 'Kind of model.';
COMMENT ON COLUMN model_class.class_code IS 'Class.';
COMMENT ON COLUMN model_class.n_samples IS 'Samples of the class that it learnt from.';
