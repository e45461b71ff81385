-- Accuracy of every map that there is: those of the runs, their fusion, and those that are smoothed.

CREATE OR REPLACE VIEW map_polygon AS
WITH map_label AS (
    SELECT run, FALSE AS is_smoothed, sample_id, class_code FROM prediction
    UNION ALL
    SELECT run, is_smoothed, sample_id, class_code FROM derived_prediction
), judge AS (
    SELECT polygon_split.run, polygon_split.polygon_id, polygon_split.split AS evaluated_on
    FROM polygon_split JOIN run USING (run)
    WHERE polygon_split.split IN (run.evaluated_split, 'held')
    UNION ALL
    SELECT DISTINCT NULL::INTEGER AS run, polygon_id, 'held' AS evaluated_on FROM polygon_split WHERE split = 'held'
    UNION ALL
    SELECT DISTINCT NULL::INTEGER AS run, polygon_id, 'all' AS evaluated_on FROM polygon_split
    WHERE NOT EXISTS (FROM held_group)
), counted AS (
    SELECT map_label.run, map_label.is_smoothed, candidate.polygon_id, map_label.class_code, count(*) AS n_pixels
    FROM map_label JOIN candidate USING (sample_id)
    GROUP BY ALL
)
SELECT counted.run, counted.is_smoothed, judge.evaluated_on, counted.polygon_id,
    coalesce(reference.merged_code, polygon.class_code) AS reference_code,
    coalesce(predicted.merged_code, counted.class_code) AS predicted_code, sum(counted.n_pixels)::BIGINT AS n_pixels
FROM counted
JOIN judge ON judge.run IS NOT DISTINCT FROM counted.run AND judge.polygon_id = counted.polygon_id
JOIN polygon ON polygon.polygon_id = counted.polygon_id
LEFT JOIN annual_class AS reference ON reference.class_code = polygon.class_code
LEFT JOIN annual_class AS predicted ON predicted.class_code = counted.class_code
GROUP BY ALL;
COMMENT ON VIEW map_polygon IS 'What each map says of the polygons that judge it; annual classes merged where arg_train.a_crop_label_replacement asks for it.';
COMMENT ON COLUMN map_polygon.run IS 'Run; null for the fusion of all runs.';
COMMENT ON COLUMN map_polygon.is_smoothed IS 'Whether it is the smoothed map.';
COMMENT ON COLUMN map_polygon.evaluated_on IS 'val: the run''s own validation polygons; held: those that no run learns or validates with; learn or all: polygons that learnt are among them.';
COMMENT ON COLUMN map_polygon.polygon_id IS 'The polygon.';
COMMENT ON COLUMN map_polygon.reference_code IS 'Its class.';
COMMENT ON COLUMN map_polygon.predicted_code IS 'Label in the map; null for no data.';
COMMENT ON COLUMN map_polygon.n_pixels IS 'Pixels of the polygon with that label.';

CREATE OR REPLACE VIEW map_confusion AS
SELECT run, is_smoothed, evaluated_on, reference_code, predicted_code, sum(n_pixels)::BIGINT AS n_pixels
FROM map_polygon
WHERE predicted_code IN (SELECT accuracy_class.class_code FROM accuracy_class)
GROUP BY ALL
ORDER BY run NULLS LAST, is_smoothed, evaluated_on, reference_code, predicted_code;
COMMENT ON VIEW map_confusion IS 'Confusion matrix of each map in rows; pixels without data and undecided ones are in none.';
COMMENT ON COLUMN map_confusion.run IS 'Run; null for the fusion of all runs.';
COMMENT ON COLUMN map_confusion.is_smoothed IS 'Whether it is the smoothed map.';
COMMENT ON COLUMN map_confusion.evaluated_on IS 'Polygons that judge it: val, held, learn or all.';
COMMENT ON COLUMN map_confusion.reference_code IS 'Class of the ground truth.';
COMMENT ON COLUMN map_confusion.predicted_code IS 'Class in the map.';
COMMENT ON COLUMN map_confusion.n_pixels IS 'Number of pixels.';

CREATE OR REPLACE VIEW map_class_accuracy AS
WITH piece AS MATERIALIZED (
    SELECT run, is_smoothed, evaluated_on, reference_code, predicted_code, n_pixels FROM map_confusion
), side AS (
    SELECT run, is_smoothed, evaluated_on, reference_code AS class_code, sum(n_pixels) AS n_reference, 0 AS n_predicted,
        coalesce(sum(n_pixels) FILTER (reference_code = predicted_code), 0) AS n_correct
    FROM piece
    GROUP BY ALL
    UNION ALL
    SELECT run, is_smoothed, evaluated_on, predicted_code AS class_code, 0 AS n_reference, sum(n_pixels) AS n_predicted,
        0 AS n_correct
    FROM piece
    GROUP BY ALL
), total AS (
    SELECT run, is_smoothed, evaluated_on, class_code, sum(n_reference)::BIGINT AS n_reference,
        sum(n_predicted)::BIGINT AS n_predicted, sum(n_correct)::BIGINT AS n_correct
    FROM side
    GROUP BY ALL
)
SELECT total.run, total.is_smoothed, total.evaluated_on, total.class_code, class.class_name, total.n_reference,
    total.n_predicted, total.n_correct,
    total.n_correct / nullif(total.n_predicted, 0) AS precision,
    total.n_correct / nullif(total.n_reference, 0) AS recall,
    CASE WHEN total.n_reference > 0 THEN 2 * total.n_correct / (total.n_reference + total.n_predicted) END AS f_score
FROM total LEFT JOIN accuracy_class AS class USING (class_code)
ORDER BY total.run NULLS LAST, total.is_smoothed, total.evaluated_on, class.class_rank;
COMMENT ON VIEW map_class_accuracy IS 'Precision, recall and F-score per map and class; undefined is null.';
COMMENT ON COLUMN map_class_accuracy.run IS 'Run; null for the fusion of all runs.';
COMMENT ON COLUMN map_class_accuracy.is_smoothed IS 'Whether it is the smoothed map.';
COMMENT ON COLUMN map_class_accuracy.evaluated_on IS 'Polygons that judge it: val, held, learn or all.';
COMMENT ON COLUMN map_class_accuracy.class_code IS 'Class.';
COMMENT ON COLUMN map_class_accuracy.class_name IS 'Name of the class.';
COMMENT ON COLUMN map_class_accuracy.n_reference IS 'Pixels of the class in the ground truth.';
COMMENT ON COLUMN map_class_accuracy.n_predicted IS 'Pixels that the map gives the class.';
COMMENT ON COLUMN map_class_accuracy.n_correct IS 'Pixels where both agree.';
COMMENT ON COLUMN map_class_accuracy.precision IS 'n_correct / n_predicted.';
COMMENT ON COLUMN map_class_accuracy.recall IS 'n_correct / n_reference.';
COMMENT ON COLUMN map_class_accuracy.f_score IS '2 n_correct / (n_reference + n_predicted); null where the ground truth has none.';

CREATE OR REPLACE VIEW map_accuracy AS
WITH agreement AS (
    SELECT run, is_smoothed, evaluated_on, sum(n_reference)::DOUBLE AS n, sum(n_correct)::DOUBLE AS n_correct,
        sum(n_reference::DOUBLE * n_predicted) AS chance,
        avg(f_score ORDER BY class_code) AS f_score
    FROM map_class_accuracy
    GROUP BY ALL
), counted AS (
    SELECT run, is_smoothed, evaluated_on, count(DISTINCT polygon_id) AS n_polygons, sum(n_pixels)::BIGINT AS n_pixels,
        coalesce(sum(n_pixels) FILTER (predicted_code IS NULL), 0)::BIGINT AS n_unclassified,
        coalesce(sum(n_pixels) FILTER (
            predicted_code NOT IN (SELECT accuracy_class.class_code FROM accuracy_class)
        ), 0)::BIGINT AS n_undecided
    FROM map_polygon
    GROUP BY ALL
)
SELECT counted.run, counted.is_smoothed, counted.evaluated_on, counted.n_polygons, counted.n_pixels,
    counted.n_unclassified, counted.n_undecided, agreement.n_correct / nullif(agreement.n, 0) AS overall_accuracy,
    (agreement.n_correct * agreement.n - agreement.chance) / nullif(agreement.n * agreement.n - agreement.chance, 0)
        AS kappa,
    agreement.f_score,
    coalesce(agreement.n_correct, 0) / nullif(counted.n_pixels - counted.n_unclassified, 0) AS share_right
FROM counted
LEFT JOIN agreement
    ON agreement.run IS NOT DISTINCT FROM counted.run AND agreement.is_smoothed = counted.is_smoothed
    AND agreement.evaluated_on = counted.evaluated_on
ORDER BY counted.run NULLS LAST, counted.is_smoothed, counted.evaluated_on;
COMMENT ON VIEW map_accuracy IS 'Overall accuracy, kappa and class-mean F-score of every map: those of the runs, their fusion, and those that are smoothed, on the polygons of each run and on those held back.';
COMMENT ON COLUMN map_accuracy.run IS 'Run; null for the fusion of all runs.';
COMMENT ON COLUMN map_accuracy.is_smoothed IS 'Whether it is the smoothed map.';
COMMENT ON COLUMN map_accuracy.evaluated_on IS 'val: the run''s own validation polygons; held: those that no run learns or validates with; learn or all: polygons that learnt are among them.';
COMMENT ON COLUMN map_accuracy.n_polygons IS 'Polygons that judge it.';
COMMENT ON COLUMN map_accuracy.n_pixels IS 'Their pixels.';
COMMENT ON COLUMN map_accuracy.n_unclassified IS 'Pixels where the map has no data; they are in no matrix.';
COMMENT ON COLUMN map_accuracy.n_undecided IS 'Pixels where the fusion is undecided; they are in no matrix.';
COMMENT ON COLUMN map_accuracy.overall_accuracy IS 'Share of the pixels in the matrix that are right.';
COMMENT ON COLUMN map_accuracy.kappa IS 'Cohen''s kappa; null where it is undefined.';
COMMENT ON COLUMN map_accuracy.f_score IS 'Mean of the classes'' F-scores, over the classes that the ground truth has.';
COMMENT ON COLUMN map_accuracy.share_right IS 'Share of all pixels with data that are right: those that are undecided are wrong, so that a fusion gains nothing by leaving the hard ones open. Without such it is overall_accuracy.';
