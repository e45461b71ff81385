-- How accuracy grows with the number of samples.

CREATE TABLE IF NOT EXISTS learning_curve (
    run INTEGER, region VARCHAR, size BIGINT, n_samples BIGINT, reference_code INTEGER, predicted_code INTEGER,
    n_pixels BIGINT
);
COMMENT ON TABLE learning_curve IS 'What models that learnt from fewer samples make of the validation pixels (arg_train.learning_curve).';
COMMENT ON COLUMN learning_curve.run IS 'Run.';
COMMENT ON COLUMN learning_curve.region IS 'Region, that is, model.';
COMMENT ON COLUMN learning_curve.size IS 'Samples per class that it was given at most: the first of the drawn ones, so that a size holds all smaller ones.';
COMMENT ON COLUMN learning_curve.n_samples IS 'Samples that it learnt from, all classes together.';
COMMENT ON COLUMN learning_curve.reference_code IS 'Class of the ground truth.';
COMMENT ON COLUMN learning_curve.predicted_code IS 'Class that the model says.';
COMMENT ON COLUMN learning_curve.n_pixels IS 'Number of validation pixels.';

CREATE OR REPLACE VIEW learning_curve_accuracy AS
WITH whole AS (
    SELECT run, size, sum(n_pixels) AS n, sum(n_pixels) FILTER (reference_code = predicted_code) AS n_correct
    FROM learning_curve
    GROUP BY ALL
), learnt AS (
    SELECT run, size, sum(n_samples)::BIGINT AS n_samples
    FROM (SELECT DISTINCT run, region, size, n_samples FROM learning_curve)
    GROUP BY ALL
), code AS (
    SELECT run, size, reference_code AS class_code FROM learning_curve
    UNION
    SELECT run, size, predicted_code AS class_code FROM learning_curve
), per_class AS (
    SELECT code.run, code.size, code.class_code,
        coalesce(sum(n_pixels) FILTER (reference_code = class_code), 0) AS n_reference,
        coalesce(sum(n_pixels) FILTER (predicted_code = class_code), 0) AS n_predicted,
        coalesce(sum(n_pixels) FILTER (reference_code = class_code AND predicted_code = class_code), 0) AS n_correct
    FROM code JOIN learning_curve USING (run, size)
    GROUP BY ALL
), scored AS (
    SELECT run, size, sum(n_reference * n_predicted)::DOUBLE AS chance,
        avg(2 * n_correct / (n_reference + n_predicted)) FILTER (n_reference > 0) AS f_score
    FROM per_class
    GROUP BY ALL
)
SELECT whole.run, whole.size, learnt.n_samples, whole.n::BIGINT AS n_pixels,
    coalesce(whole.n_correct, 0) / whole.n AS overall_accuracy,
    (coalesce(whole.n_correct, 0) * whole.n - scored.chance) / nullif(whole.n * whole.n - scored.chance, 0) AS kappa,
    scored.f_score
FROM whole
JOIN learnt ON learnt.run = whole.run AND learnt.size = whole.size
JOIN scored ON scored.run = whole.run AND scored.size = whole.size
ORDER BY whole.run, whole.size;
COMMENT ON VIEW learning_curve_accuracy IS 'Accuracy by number of samples per class, all regions together.';
COMMENT ON COLUMN learning_curve_accuracy.run IS 'Run.';
COMMENT ON COLUMN learning_curve_accuracy.size IS 'Samples per class and region at most.';
COMMENT ON COLUMN learning_curve_accuracy.n_samples IS 'Samples that the models of the run learnt from.';
COMMENT ON COLUMN learning_curve_accuracy.n_pixels IS 'Validation pixels.';
COMMENT ON COLUMN learning_curve_accuracy.overall_accuracy IS 'Share of validation pixels that are right.';
COMMENT ON COLUMN learning_curve_accuracy.kappa IS 'Cohen''s kappa; null where it is undefined.';
COMMENT ON COLUMN learning_curve_accuracy.f_score IS 'Mean of the classes'' F-scores, over the classes that the ground truth has.';
