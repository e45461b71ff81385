-- What was learnt.

CREATE TABLE IF NOT EXISTS model (
    run INTEGER, region VARCHAR, kind VARCHAR, path VARCHAR, n_samples BIGINT, n_classes INTEGER,
    n_features INTEGER, confidence_kind VARCHAR, parameters VARCHAR, checksum VARCHAR
);
COMMENT ON TABLE model IS 'Models, one per run and region, or several where their labels are fused (region_model).';
COMMENT ON COLUMN model.run IS 'Run.';
COMMENT ON COLUMN model.region IS 'Its name: the region whose samples it learnt and whose pixels it classifies, or one of several of a region (region_model).';
COMMENT ON COLUMN model.kind IS 'Kind of model, e.g. rf.';
COMMENT ON COLUMN model.path IS 'Folder of the model within the output folder.';
COMMENT ON COLUMN model.n_samples IS 'Samples it learnt from, with those copied from other regions and those made by augmentation.';
COMMENT ON COLUMN model.n_classes IS 'Classes it knows.';
COMMENT ON COLUMN model.n_features IS 'Features it needs.';
COMMENT ON COLUMN model.confidence_kind IS 'What its confidence is.';
COMMENT ON COLUMN model.parameters IS 'Its parameters, as JSON.';
COMMENT ON COLUMN model.checksum IS 'BLAKE2b hash of its arrays.';

CREATE TABLE IF NOT EXISTS model_class (
    run INTEGER, region VARCHAR, kind VARCHAR, class_code INTEGER, n_samples BIGINT, n_copied BIGINT, n_added BIGINT,
    weight DOUBLE
);
COMMENT ON TABLE model_class IS 'Classes that each model knows.';
COMMENT ON COLUMN model_class.run IS 'Run.';
COMMENT ON COLUMN model_class.region IS 'Region.';
COMMENT ON COLUMN model_class.kind IS 'Kind of model.';
COMMENT ON COLUMN model_class.class_code IS 'Class.';
COMMENT ON COLUMN model_class.n_samples IS 'Samples of the class that it learnt from: the region''s own, n_copied and n_added together.';
COMMENT ON COLUMN model_class.n_copied IS 'How many of them come from other regions (arg_train.sample_management).';
COMMENT ON COLUMN model_class.n_added IS 'How many of them augmentation made (arg_train.sample_augmentation).';
COMMENT ON COLUMN model_class.weight IS 'Weight of each of them in the fit (arg_train.class_weights); 1 where classes are not weighed.';

CREATE OR REPLACE VIEW region_class AS
SELECT DISTINCT model_class.run, coalesce(region_model.region, model_class.region) AS region, model_class.kind,
    model_class.class_code
FROM model_class LEFT JOIN region_model ON region_model.model = model_class.region;
COMMENT ON VIEW region_class IS 'Classes that the models of each region know.';
COMMENT ON COLUMN region_class.run IS 'Run.';
COMMENT ON COLUMN region_class.region IS 'Region.';
COMMENT ON COLUMN region_class.kind IS 'Kind of model.';
COMMENT ON COLUMN region_class.class_code IS 'Class.';

CREATE TABLE IF NOT EXISTS model_confusion (
    run INTEGER, region VARCHAR, kind VARCHAR, reference_code INTEGER, predicted_code INTEGER, n_samples BIGINT
);
COMMENT ON TABLE model_confusion IS 'What models say of their own samples out of fold, polygons whole: where several of a region are fused by Dempster and Shafer''s rule, how far each is believed.';
COMMENT ON COLUMN model_confusion.run IS 'Run.';
COMMENT ON COLUMN model_confusion.region IS 'The model (region_model).';
COMMENT ON COLUMN model_confusion.kind IS 'Kind of model.';
COMMENT ON COLUMN model_confusion.reference_code IS 'Class of the sample.';
COMMENT ON COLUMN model_confusion.predicted_code IS 'Class that a model says which was fitted on the other folds.';
COMMENT ON COLUMN model_confusion.n_samples IS 'Samples.';

CREATE TABLE IF NOT EXISTS search_result (
    run INTEGER, region VARCHAR, kind VARCHAR, setting INTEGER, parameters VARCHAR, fold INTEGER, score DOUBLE
);
COMMENT ON TABLE search_result IS 'What the search for parameters found (scikit_models_parameters.cross_validation_parameters).';
COMMENT ON COLUMN search_result.run IS 'Run.';
COMMENT ON COLUMN search_result.region IS 'Region.';
COMMENT ON COLUMN search_result.kind IS 'Kind of model.';
COMMENT ON COLUMN search_result.setting IS 'Number of the combination of parameters, from 0, in the order of trying.';
COMMENT ON COLUMN search_result.parameters IS 'The combination, as JSON.';
COMMENT ON COLUMN search_result.fold IS 'Fold that was tested on, from 0; the model was fitted on the others.';
COMMENT ON COLUMN search_result.score IS 'Overall accuracy on the samples of the fold.';

CREATE TABLE IF NOT EXISTS feature_importance (
    run INTEGER, region VARCHAR, kind VARCHAR, method VARCHAR, feature_name VARCHAR, importance DOUBLE,
    deviation DOUBLE, n_samples BIGINT
);
COMMENT ON TABLE feature_importance IS 'What each feature is worth to each model.';
COMMENT ON COLUMN feature_importance.run IS 'Run.';
COMMENT ON COLUMN feature_importance.region IS 'Region.';
COMMENT ON COLUMN feature_importance.kind IS 'Kind of model.';
COMMENT ON COLUMN feature_importance.method IS 'impurity: share of the decrease of impurity in the trees, on the samples learnt from; permutation: loss of overall accuracy when the feature is shuffled, on polygons left out of the fit.';
COMMENT ON COLUMN feature_importance.feature_name IS 'The feature, as in table feature.';
COMMENT ON COLUMN feature_importance.importance IS 'Its importance; by permutation it may be a little below 0.';
COMMENT ON COLUMN feature_importance.deviation IS 'Standard deviation over folds and shuffles; null by impurity.';
COMMENT ON COLUMN feature_importance.n_samples IS 'Samples that were tested on, all folds together; null by impurity.';

CREATE OR REPLACE VIEW search_summary AS
WITH summary AS (
    SELECT run, region, kind, setting, parameters, count(*) AS n_folds, avg(score) AS mean_score,
        stddev_pop(score) AS deviation
    FROM search_result
    GROUP BY ALL
), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY run, region, kind ORDER BY mean_score DESC, setting) AS search_rank
    FROM summary
)
SELECT run, region, kind, search_rank, parameters, n_folds, mean_score, deviation, search_rank = 1 AS is_best
FROM ranked
ORDER BY run, region, kind, search_rank;
COMMENT ON VIEW search_summary IS 'Combinations of parameters that were tried, the best first; that one was fitted on all samples.';
COMMENT ON COLUMN search_summary.run IS 'Run.';
COMMENT ON COLUMN search_summary.region IS 'Region.';
COMMENT ON COLUMN search_summary.kind IS 'Kind of model.';
COMMENT ON COLUMN search_summary.search_rank IS 'Place by mean score, from 1; of equals the first tried is first.';
COMMENT ON COLUMN search_summary.parameters IS 'The combination, as JSON.';
COMMENT ON COLUMN search_summary.n_folds IS 'Number of folds.';
COMMENT ON COLUMN search_summary.mean_score IS 'Mean overall accuracy over the folds.';
COMMENT ON COLUMN search_summary.deviation IS 'Standard deviation over the folds.';
COMMENT ON COLUMN search_summary.is_best IS 'Whether it is the one of the model.';

CREATE OR REPLACE VIEW importance_by_band AS
SELECT
    feature_importance.run, feature_importance.region, feature_importance.method, feature.sensor, feature.band,
    count(*) AS n_features, sum(feature_importance.importance) AS importance
FROM feature_importance JOIN feature USING (feature_name)
GROUP BY ALL
ORDER BY feature_importance.run, feature_importance.region, feature_importance.method, importance DESC, feature.band;
COMMENT ON VIEW importance_by_band IS 'Importance of each band or index: the sum over its dates.';
COMMENT ON COLUMN importance_by_band.run IS 'Run.';
COMMENT ON COLUMN importance_by_band.region IS 'Region.';
COMMENT ON COLUMN importance_by_band.method IS 'impurity or permutation.';
COMMENT ON COLUMN importance_by_band.sensor IS 'Sensor.';
COMMENT ON COLUMN importance_by_band.band IS 'Band or index.';
COMMENT ON COLUMN importance_by_band.n_features IS 'Features that were summed.';
COMMENT ON COLUMN importance_by_band.importance IS 'The sum.';

CREATE OR REPLACE VIEW importance_by_date AS
SELECT
    feature_importance.run, feature_importance.region, feature_importance.method, feature.date,
    count(*) AS n_features, sum(feature_importance.importance) AS importance
FROM feature_importance JOIN feature USING (feature_name)
GROUP BY ALL
ORDER BY feature_importance.run, feature_importance.region, feature_importance.method, feature.date NULLS LAST;
COMMENT ON VIEW importance_by_date IS 'Importance of each date: the sum over its bands and indices.';
COMMENT ON COLUMN importance_by_date.run IS 'Run.';
COMMENT ON COLUMN importance_by_date.region IS 'Region.';
COMMENT ON COLUMN importance_by_date.method IS 'impurity or permutation.';
COMMENT ON COLUMN importance_by_date.date IS 'Date; null for features that have none.';
COMMENT ON COLUMN importance_by_date.n_features IS 'Features that were summed.';
COMMENT ON COLUMN importance_by_date.importance IS 'The sum.';
