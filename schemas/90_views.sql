-- Everything that can be derived: statistics of the samples, confusion, accuracy, profiles.

CREATE OR REPLACE VIEW class_statistics AS
WITH candidate_class AS (
    SELECT candidate.region, candidate.sample_id, candidate.polygon_id, polygon.class_code
    FROM candidate JOIN polygon USING (polygon_id)
), per_split AS (
    SELECT
        polygon_split.run, candidate_class.region, candidate_class.class_code,
        count(DISTINCT candidate_class.polygon_id) FILTER (polygon_split.split = 'learn') AS n_learn_polygons,
        count(DISTINCT candidate_class.polygon_id) FILTER (polygon_split.split = 'val') AS n_val_polygons,
        count(*) FILTER (polygon_split.split = 'val') AS n_val
    FROM candidate_class JOIN polygon_split USING (polygon_id)
    GROUP BY ALL
), per_quota AS (
    SELECT quota.run, coalesce(region_model.region, quota.region) AS region, quota.class_code,
        sum(quota.n_available)::BIGINT AS n_available, sum(quota.n_required)::BIGINT AS n_required
    FROM quota LEFT JOIN region_model ON region_model.model = quota.region
    GROUP BY ALL
), per_selection AS (
    SELECT selection.run, candidate_class.region, candidate_class.class_code, count(*) AS n_selected,
        count(*) FILTER (selection.sample_id IN (SELECT rejection.sample_id FROM rejection)) AS n_rejected,
        count(*) FILTER (
            selection.sample_id NOT IN (SELECT rejection.sample_id FROM rejection)
            AND selection.sample_id IN (SELECT sample.sample_id FROM sample)
        ) AS n_learn
    FROM selection JOIN labelled_pixel AS candidate_class USING (sample_id)
    GROUP BY ALL
)
SELECT
    run.run, region.region, class.class_code, class.class_name,
    coalesce(per_split.n_learn_polygons, 0) AS n_learn_polygons,
    coalesce(per_split.n_val_polygons, 0) AS n_val_polygons,
    coalesce(per_quota.n_available, 0) AS n_available,
    coalesce(per_quota.n_required, 0) AS n_required,
    coalesce(per_selection.n_selected, 0) AS n_selected,
    coalesce(per_selection.n_rejected, 0) AS n_rejected,
    coalesce(per_selection.n_learn, 0) AS n_learn,
    coalesce(per_split.n_val, 0) AS n_val
FROM run CROSS JOIN region CROSS JOIN class
LEFT JOIN per_split
    ON per_split.run = run.run AND per_split.region = region.region AND per_split.class_code = class.class_code
LEFT JOIN per_quota
    ON per_quota.run = run.run AND per_quota.region = region.region AND per_quota.class_code = class.class_code
LEFT JOIN per_selection
    ON per_selection.run = run.run AND per_selection.region = region.region
    AND per_selection.class_code = class.class_code
ORDER BY run.run, region.region_rank, class.class_rank;
COMMENT ON VIEW class_statistics IS 'Samples per run, region and class, every class of the nomenclature, zeros kept; where a region has several models, what they have together: a pixel counts once for each.';
COMMENT ON COLUMN class_statistics.run IS 'Run.';
COMMENT ON COLUMN class_statistics.region IS 'Region.';
COMMENT ON COLUMN class_statistics.class_code IS 'Class.';
COMMENT ON COLUMN class_statistics.class_name IS 'Name of the class.';
COMMENT ON COLUMN class_statistics.n_learn_polygons IS 'Polygons for learning with pixels in the region.';
COMMENT ON COLUMN class_statistics.n_val_polygons IS 'Polygons for validation with pixels in the region.';
COMMENT ON COLUMN class_statistics.n_available IS 'Candidate pixels in learn polygons.';
COMMENT ON COLUMN class_statistics.n_required IS 'Pixels that the strategy asks for.';
COMMENT ON COLUMN class_statistics.n_selected IS 'Pixels drawn.';
COMMENT ON COLUMN class_statistics.n_rejected IS 'Drawn pixels whose features could not be extracted.';
COMMENT ON COLUMN class_statistics.n_learn IS 'Pixels that the model learns from.';
COMMENT ON COLUMN class_statistics.n_val IS 'Candidate pixels in val polygons.';

CREATE OR REPLACE VIEW validation_pixel AS
SELECT
    prediction.run, prediction.region, prediction.kind, prediction.sample_id, candidate.polygon_id, candidate.tile,
    polygon.class_code AS reference_code, prediction.class_code AS predicted_code, prediction.confidence,
    candidate.n_valid, candidate.longest_gap, candidate.edge_distance,
    region_class.class_code IS NOT NULL AS is_known
FROM prediction
JOIN candidate USING (sample_id)
JOIN polygon USING (polygon_id)
JOIN run ON run.run = prediction.run
JOIN polygon_split
    ON polygon_split.run = prediction.run AND polygon_split.polygon_id = candidate.polygon_id
    AND polygon_split.split = run.evaluated_split
LEFT JOIN region_class
    ON region_class.run = prediction.run AND region_class.region = prediction.region
    AND region_class.kind = prediction.kind AND region_class.class_code = polygon.class_code;
COMMENT ON VIEW validation_pixel IS 'Pixels of the polygons kept for validation, with what they are and what they were called, class by class.';
COMMENT ON COLUMN validation_pixel.run IS 'Run.';
COMMENT ON COLUMN validation_pixel.region IS 'Region.';
COMMENT ON COLUMN validation_pixel.kind IS 'Kind of model.';
COMMENT ON COLUMN validation_pixel.sample_id IS 'The pixel.';
COMMENT ON COLUMN validation_pixel.polygon_id IS 'Its polygon.';
COMMENT ON COLUMN validation_pixel.tile IS 'Its tile.';
COMMENT ON COLUMN validation_pixel.reference_code IS 'Class of the polygon.';
COMMENT ON COLUMN validation_pixel.predicted_code IS 'Class in the map; null where the map has no data.';
COMMENT ON COLUMN validation_pixel.confidence IS 'Confidence from 0 to 1.';
COMMENT ON COLUMN validation_pixel.n_valid IS 'Number of clear dates.';
COMMENT ON COLUMN validation_pixel.longest_gap IS 'Longest stretch without a clear date, in days.';
COMMENT ON COLUMN validation_pixel.edge_distance IS 'Distance to the boundary of the polygon in map units.';
COMMENT ON COLUMN validation_pixel.is_known IS 'Whether a model of the region has seen the class at all.';

CREATE OR REPLACE VIEW evaluated_pixel AS
SELECT validation_pixel.* REPLACE (
    coalesce(reference.merged_code, validation_pixel.reference_code) AS reference_code,
    coalesce(predicted.merged_code, validation_pixel.predicted_code) AS predicted_code,
    validation_pixel.is_known OR (
        reference.merged_code IS NOT NULL AND EXISTS (
            FROM region_class JOIN annual_class USING (class_code)
            WHERE region_class.run = validation_pixel.run AND region_class.region = validation_pixel.region
                AND region_class.kind = validation_pixel.kind
        )
    ) AS is_known
)
FROM validation_pixel
LEFT JOIN annual_class AS reference ON reference.class_code = validation_pixel.reference_code
LEFT JOIN annual_class AS predicted ON predicted.class_code = validation_pixel.predicted_code;
COMMENT ON VIEW evaluated_pixel IS 'Pixels of the polygons kept for validation, with what they are and what they were called; annual classes merged where arg_train.a_crop_label_replacement asks for it.';
COMMENT ON COLUMN evaluated_pixel.run IS 'Run.';
COMMENT ON COLUMN evaluated_pixel.region IS 'Region.';
COMMENT ON COLUMN evaluated_pixel.kind IS 'Kind of model.';
COMMENT ON COLUMN evaluated_pixel.sample_id IS 'The pixel.';
COMMENT ON COLUMN evaluated_pixel.polygon_id IS 'Its polygon.';
COMMENT ON COLUMN evaluated_pixel.tile IS 'Its tile.';
COMMENT ON COLUMN evaluated_pixel.reference_code IS 'Class of the polygon.';
COMMENT ON COLUMN evaluated_pixel.predicted_code IS 'Class in the map; null where the map has no data.';
COMMENT ON COLUMN evaluated_pixel.confidence IS 'Confidence from 0 to 1.';
COMMENT ON COLUMN evaluated_pixel.n_valid IS 'Number of clear dates.';
COMMENT ON COLUMN evaluated_pixel.longest_gap IS 'Longest stretch without a clear date, in days.';
COMMENT ON COLUMN evaluated_pixel.edge_distance IS 'Distance to the boundary of the polygon in map units.';
COMMENT ON COLUMN evaluated_pixel.is_known IS 'Whether a model of the region has seen the class at all.';

CREATE OR REPLACE VIEW confusion AS
SELECT run, reference_code, predicted_code, count(*) AS n_pixels
FROM evaluated_pixel
WHERE predicted_code IS NOT NULL
GROUP BY ALL
UNION ALL
SELECT run, reference_code, predicted_code, n_pixels FROM confusion_count WHERE n_pixels > 0
ORDER BY ALL;
COMMENT ON VIEW confusion IS 'Confusion matrix in rows, per run: what the ground truth says against what the map says.';
COMMENT ON COLUMN confusion.run IS 'Run.';
COMMENT ON COLUMN confusion.reference_code IS 'Class of the ground truth.';
COMMENT ON COLUMN confusion.predicted_code IS 'Class in the map.';
COMMENT ON COLUMN confusion.n_pixels IS 'Number of pixels.';

CREATE OR REPLACE VIEW confusion_before_merge AS
SELECT run, reference_code, predicted_code, count(*) AS n_pixels
FROM validation_pixel
WHERE predicted_code IS NOT NULL
GROUP BY ALL
ORDER BY ALL;
COMMENT ON VIEW confusion_before_merge IS 'The same class by class, where annual classes are merged in confusion.';
COMMENT ON COLUMN confusion_before_merge.run IS 'Run.';
COMMENT ON COLUMN confusion_before_merge.reference_code IS 'Class of the ground truth.';
COMMENT ON COLUMN confusion_before_merge.predicted_code IS 'Class in the map.';
COMMENT ON COLUMN confusion_before_merge.n_pixels IS 'Number of pixels.';

CREATE OR REPLACE VIEW accuracy_measure AS
WITH piece AS MATERIALIZED (
    -- The pixels are read once, whatever is asked of them.
    SELECT run, polygon_id, reference_code, predicted_code, is_known, count(*) AS n_pixels
    FROM evaluated_pixel
    GROUP BY ALL
), matrix AS MATERIALIZED (
    SELECT run, reference_code, predicted_code, sum(n_pixels)::BIGINT AS n_pixels
    FROM piece
    WHERE predicted_code IS NOT NULL
    GROUP BY ALL
    UNION ALL
    SELECT run, reference_code, predicted_code, n_pixels FROM confusion_count WHERE n_pixels > 0
), code AS (
    SELECT run, reference_code AS class_code FROM matrix
    UNION
    SELECT run, predicted_code AS class_code FROM matrix
), total AS (
    SELECT code.run, code.class_code,
        coalesce(sum(n_pixels) FILTER (reference_code = code.class_code), 0)::BIGINT AS n_reference,
        coalesce(sum(n_pixels) FILTER (predicted_code = code.class_code), 0)::BIGINT AS n_predicted,
        coalesce(sum(n_pixels) FILTER (reference_code = code.class_code AND predicted_code = code.class_code), 0)::BIGINT
            AS n_correct
    FROM code
    JOIN matrix ON matrix.run = code.run
        AND (matrix.reference_code = code.class_code OR matrix.predicted_code = code.class_code)
    GROUP BY ALL
), validating AS (
    -- Of matrices that came as counts.
    SELECT polygon_split.run, polygon_split.class_code, count(DISTINCT polygon_split.polygon_id) AS n_polygons
    FROM polygon_split JOIN run ON run.run = polygon_split.run AND run.evaluated_split = polygon_split.split
    WHERE polygon_split.run IN (SELECT confusion_count.run FROM confusion_count)
    GROUP BY ALL
), polygons AS (
    SELECT run, reference_code AS class_code, count(DISTINCT polygon_id) AS n_polygons
    FROM piece
    WHERE predicted_code IS NOT NULL
    GROUP BY ALL
    UNION ALL
    FROM validating
), of_class AS MATERIALIZED (
    SELECT total.run, total.class_code, coalesce(polygons.n_polygons, 0) AS n_polygons,
        total.n_reference, total.n_predicted, total.n_correct,
        total.n_correct / nullif(total.n_predicted, 0) AS precision,
        total.n_correct / nullif(total.n_reference, 0) AS recall,
        CASE WHEN total.n_reference > 0
            THEN 2 * total.n_correct / (total.n_reference + total.n_predicted) END AS f_score
    FROM total
    LEFT JOIN polygons ON polygons.run = total.run AND polygons.class_code = total.class_code
), agreement AS (
    SELECT run, sum(n_reference)::DOUBLE AS n, sum(n_correct)::DOUBLE AS n_correct,
        sum(n_reference::DOUBLE * n_predicted) AS chance,
        avg(f_score ORDER BY class_code) AS f_score
    FROM of_class
    GROUP BY run
), counted AS (
    SELECT run, count(DISTINCT polygon_id) AS n_polygons, sum(n_pixels)::BIGINT AS n_pixels,
        coalesce(sum(n_pixels) FILTER (predicted_code IS NULL), 0)::BIGINT AS n_unclassified,
        coalesce(sum(n_pixels) FILTER (NOT is_known), 0)::BIGINT AS n_unknown
    FROM piece
    GROUP BY run
    UNION ALL
    -- Which pixels were left out of counts is not known.
    SELECT run, coalesce((SELECT sum(n_polygons) FROM validating WHERE validating.run = confusion_count.run), 0)::BIGINT,
        sum(n_pixels)::BIGINT, NULL, NULL
    FROM confusion_count
    GROUP BY run
)
SELECT run, class_code, n_polygons, n_reference AS n_pixels, NULL::BIGINT AS n_unclassified, NULL::BIGINT AS n_unknown,
    n_predicted, n_correct, NULL::DOUBLE AS overall_accuracy, NULL::DOUBLE AS kappa, precision, recall, f_score
FROM of_class
UNION ALL BY NAME
SELECT counted.run, NULL::INTEGER AS class_code, counted.n_polygons, counted.n_pixels, counted.n_unclassified,
    counted.n_unknown, agreement.n_correct / nullif(agreement.n, 0) AS overall_accuracy,
    (agreement.n_correct * agreement.n - agreement.chance) / nullif(agreement.n * agreement.n - agreement.chance, 0)
        AS kappa,
    agreement.f_score
FROM counted LEFT JOIN agreement USING (run);
COMMENT ON VIEW accuracy_measure IS 'What accuracy, class_accuracy and accuracy_summary are made of: a row per run and class, and one per run for the whole map.';
COMMENT ON COLUMN accuracy_measure.run IS 'Run.';
COMMENT ON COLUMN accuracy_measure.class_code IS 'Class; null for the whole map.';
COMMENT ON COLUMN accuracy_measure.n_polygons IS 'Validation polygons.';
COMMENT ON COLUMN accuracy_measure.n_pixels IS 'Validation pixels; of a class those that are in the matrix.';
COMMENT ON COLUMN accuracy_measure.n_unclassified IS 'Validation pixels where the map has no data; only for the whole map.';
COMMENT ON COLUMN accuracy_measure.n_unknown IS 'Validation pixels of classes that the region''s model never saw; only for the whole map.';
COMMENT ON COLUMN accuracy_measure.n_predicted IS 'Validation pixels that the map gives the class.';
COMMENT ON COLUMN accuracy_measure.n_correct IS 'Pixels of the class where both agree.';
COMMENT ON COLUMN accuracy_measure.overall_accuracy IS 'Share of validation pixels that are right; only for the whole map.';
COMMENT ON COLUMN accuracy_measure.kappa IS 'Cohen''s kappa; only for the whole map, null where it is undefined.';
COMMENT ON COLUMN accuracy_measure.precision IS 'n_correct / n_predicted; null where the map never says the class.';
COMMENT ON COLUMN accuracy_measure.recall IS 'n_correct / n_pixels; null where the ground truth has none.';
COMMENT ON COLUMN accuracy_measure.f_score IS '2 n_correct / (n_pixels + n_predicted); of the whole map the mean over the classes that the ground truth has.';

CREATE OR REPLACE VIEW class_accuracy AS
SELECT
    measured.run, measured.class_code, class.class_name, measured.n_polygons, measured.n_pixels AS n_reference,
    measured.n_predicted, measured.n_correct, measured.precision, measured.recall, measured.f_score
FROM accuracy_measure AS measured
LEFT JOIN accuracy_class AS class ON class.class_code = measured.class_code
WHERE measured.class_code IS NOT NULL
ORDER BY measured.run, class.class_rank;
COMMENT ON VIEW class_accuracy IS 'Precision, recall and F-score per run and class; undefined is null.';
COMMENT ON COLUMN class_accuracy.run IS 'Run.';
COMMENT ON COLUMN class_accuracy.class_code IS 'Class.';
COMMENT ON COLUMN class_accuracy.class_name IS 'Name of the class.';
COMMENT ON COLUMN class_accuracy.n_polygons IS 'Validation polygons of the class: how many independent witnesses there are.';
COMMENT ON COLUMN class_accuracy.n_reference IS 'Validation pixels of the class.';
COMMENT ON COLUMN class_accuracy.n_predicted IS 'Validation pixels that the map gives the class.';
COMMENT ON COLUMN class_accuracy.n_correct IS 'Pixels where both agree.';
COMMENT ON COLUMN class_accuracy.precision IS 'n_correct / n_predicted; null where the map never says the class.';
COMMENT ON COLUMN class_accuracy.recall IS 'n_correct / n_reference; null where the ground truth has none.';
COMMENT ON COLUMN class_accuracy.f_score IS '2 n_correct / (n_reference + n_predicted), the harmonic mean of both; null where the ground truth has none.';

CREATE OR REPLACE VIEW accuracy AS
SELECT run, n_polygons, n_pixels, n_unclassified, n_unknown, overall_accuracy, kappa, f_score
FROM accuracy_measure
WHERE class_code IS NULL
ORDER BY run;
COMMENT ON VIEW accuracy IS 'Overall accuracy, kappa and class-mean F-score per run.';
COMMENT ON COLUMN accuracy.run IS 'Run.';
COMMENT ON COLUMN accuracy.n_polygons IS 'Validation polygons.';
COMMENT ON COLUMN accuracy.n_pixels IS 'Validation pixels.';
COMMENT ON COLUMN accuracy.n_unclassified IS 'Validation pixels where the map has no data; they are in no matrix.';
COMMENT ON COLUMN accuracy.n_unknown IS 'Validation pixels of classes that the region''s model never saw; it cannot get them right.';
COMMENT ON COLUMN accuracy.overall_accuracy IS 'Share of validation pixels that are right.';
COMMENT ON COLUMN accuracy.kappa IS 'Cohen''s kappa: agreement beyond chance; null where it is undefined.';
COMMENT ON COLUMN accuracy.f_score IS 'Mean of the classes'' F-scores, over the classes that the ground truth has.';

CREATE OR REPLACE VIEW accuracy_summary AS
WITH measured AS (
    UNPIVOT (SELECT run, class_code, overall_accuracy, kappa, precision, recall, f_score FROM accuracy_measure)
    ON overall_accuracy, kappa, precision, recall, f_score INTO NAME metric VALUE measure
), side AS (
    -- What is drawn: polygons, or groups of them.
    SELECT polygon_split.run, count(DISTINCT group_id) FILTER (split = run.evaluated_split) AS n_test,
        count(DISTINCT group_id) FILTER (split = 'learn') AS n_learn
    FROM polygon_split JOIN run ON run.run = polygon_split.run AND run.evaluated_split <> 'learn'
    GROUP BY polygon_split.run
), overlap AS (
    SELECT avg(n_test / nullif(n_learn, 0) ORDER BY run) AS test_ratio FROM side
), summary AS (
    -- In the order of the runs: the last digit of a sum depends on it.
    SELECT metric, class_code, count(*) AS n_runs, avg(measure ORDER BY run) AS mean,
        stddev_samp(measure ORDER BY run) AS deviation
    FROM measured
    GROUP BY ALL
), width AS (
    SELECT summary.*, student_t.quantile * deviation * sqrt(1 / n_runs) AS half_width,
        student_t.quantile * deviation * sqrt(1 / n_runs + test_ratio) AS corrected_half_width
    FROM summary CROSS JOIN overlap
    LEFT JOIN student_t ON student_t.degrees_of_freedom = summary.n_runs - 1
)
SELECT
    width.metric, width.class_code, class.class_name, width.n_runs, width.mean, width.half_width,
    width.mean - width.half_width AS lower_bound, width.mean + width.half_width AS upper_bound,
    width.corrected_half_width
FROM width
LEFT JOIN accuracy_class AS class USING (class_code)
ORDER BY class.class_rank NULLS FIRST, width.metric;
COMMENT ON VIEW accuracy_summary IS 'Mean over runs with its 95 % interval (Student''s t, runs - 1 degrees of freedom); overall rows have no class.';
COMMENT ON COLUMN accuracy_summary.metric IS 'overall_accuracy, kappa, f_score; per class precision, recall, f_score.';
COMMENT ON COLUMN accuracy_summary.class_code IS 'Class; null for the whole map.';
COMMENT ON COLUMN accuracy_summary.class_name IS 'Name of the class.';
COMMENT ON COLUMN accuracy_summary.n_runs IS 'Runs in which the measure is defined.';
COMMENT ON COLUMN accuracy_summary.mean IS 'Mean over those runs.';
COMMENT ON COLUMN accuracy_summary.half_width IS 'Half the width of the interval; null for a single run.';
COMMENT ON COLUMN accuracy_summary.lower_bound IS 'Lower end of the interval.';
COMMENT ON COLUMN accuracy_summary.upper_bound IS 'Upper end of the interval.';
COMMENT ON COLUMN accuracy_summary.corrected_half_width IS 'Half the width where the overlap of the runs is allowed for: variance times (1/runs + validation polygons / learn polygons) in place of 1/runs (Nadeau and Bengio 2003).';

CREATE OR REPLACE VIEW top_confusion AS
SELECT
    confusion.reference_code, reference.class_name AS reference_name,
    confusion.predicted_code, predicted.class_name AS predicted_name,
    sum(confusion.n_pixels)::BIGINT AS n_pixels,
    sum(confusion.n_pixels) / sum(sum(confusion.n_pixels)) OVER () AS share_of_errors
FROM confusion
LEFT JOIN accuracy_class AS reference ON reference.class_code = confusion.reference_code
LEFT JOIN accuracy_class AS predicted ON predicted.class_code = confusion.predicted_code
WHERE confusion.reference_code <> confusion.predicted_code
GROUP BY ALL
ORDER BY n_pixels DESC, confusion.reference_code, confusion.predicted_code;
COMMENT ON VIEW top_confusion IS 'Pairs of classes most confused, all runs together.';
COMMENT ON COLUMN top_confusion.reference_code IS 'Class of the ground truth.';
COMMENT ON COLUMN top_confusion.reference_name IS 'Its name.';
COMMENT ON COLUMN top_confusion.predicted_code IS 'Class in the map.';
COMMENT ON COLUMN top_confusion.predicted_name IS 'Its name.';
COMMENT ON COLUMN top_confusion.n_pixels IS 'Pixels, summed over the runs.';
COMMENT ON COLUMN top_confusion.share_of_errors IS 'Share of all wrong pixels.';

CREATE OR REPLACE VIEW polygon_accuracy AS
WITH piece AS (
    SELECT run, polygon_id, reference_code, predicted_code, count(*) AS n_pixels, count(confidence) AS n_known,
        sum(confidence) AS confidence
    FROM evaluated_pixel
    GROUP BY ALL
)
SELECT run, polygon_id, reference_code, sum(n_pixels)::BIGINT AS n_pixels,
    coalesce(sum(n_pixels) FILTER (predicted_code = reference_code), 0)::BIGINT AS n_correct,
    -- Of equals the lowest code.
    arg_max(predicted_code, (n_pixels, -predicted_code)) FILTER (predicted_code IS NOT NULL) AS majority_code,
    sum(confidence) / nullif(sum(n_known), 0) AS confidence
FROM piece
GROUP BY ALL
ORDER BY run, polygon_id;
COMMENT ON VIEW polygon_accuracy IS 'How each validation polygon came out in each run.';
COMMENT ON COLUMN polygon_accuracy.run IS 'Run.';
COMMENT ON COLUMN polygon_accuracy.polygon_id IS 'The polygon.';
COMMENT ON COLUMN polygon_accuracy.reference_code IS 'Its class.';
COMMENT ON COLUMN polygon_accuracy.n_pixels IS 'Its pixels.';
COMMENT ON COLUMN polygon_accuracy.n_correct IS 'How many are right.';
COMMENT ON COLUMN polygon_accuracy.majority_code IS 'Class that most of its pixels were given; of equals the one with the lowest code.';
COMMENT ON COLUMN polygon_accuracy.confidence IS 'Mean confidence of its pixels.';

CREATE OR REPLACE VIEW stage_cost AS
SELECT stage, count(*) AS n_tasks, min(started_at) AS started_at, sum(wall_seconds) AS wall_seconds,
    sum(cpu_seconds) AS cpu_seconds, max(peak_megabytes) AS peak_megabytes
FROM task_run
WHERE outcome = 'done'
GROUP BY stage
ORDER BY started_at;
COMMENT ON VIEW stage_cost IS 'What the stages cost, over all runs of the chain on this output folder.';
COMMENT ON COLUMN stage_cost.stage IS 'Stage.';
COMMENT ON COLUMN stage_cost.n_tasks IS 'Tasks that were done.';
COMMENT ON COLUMN stage_cost.started_at IS 'Start of the first of them.';
COMMENT ON COLUMN stage_cost.wall_seconds IS 'Elapsed time of the tasks, added up, in seconds.';
COMMENT ON COLUMN stage_cost.cpu_seconds IS 'Processor time in seconds.';
COMMENT ON COLUMN stage_cost.peak_megabytes IS 'Largest resident memory of a process, in megabytes.';

CREATE OR REPLACE MACRO profile(wanted_band) AS TABLE
SELECT
    polygon.class_code, class.class_name, feature.date, count(*) AS n_samples,
    avg(sample.features[feature.feature_rank]) AS mean,
    quantile_cont(sample.features[feature.feature_rank], 0.25) AS lower_quartile,
    median(sample.features[feature.feature_rank]) AS median,
    quantile_cont(sample.features[feature.feature_rank], 0.75) AS upper_quartile
FROM sample
JOIN candidate USING (sample_id)
JOIN polygon USING (polygon_id)
JOIN class ON class.class_code = polygon.class_code
JOIN feature ON feature.feature_group = sample.feature_group
WHERE lower(feature.band) = lower(wanted_band) AND feature.date IS NOT NULL
GROUP BY ALL
ORDER BY class_code, date;
COMMENT ON MACRO TABLE profile IS 'profile(band): mean and quartiles of a band or index per class and date, over the extracted samples.';

CREATE OR REPLACE VIEW function_cost AS
WITH last_run AS (
    SELECT function_run.stage, function_run.unit, function_run.function,
        max(function_run.started_at) AS started_at
    FROM function_run JOIN publication USING (stage, unit, fingerprint)
    GROUP BY ALL
)
SELECT
    function_run.stage, function_run.function, sum(function_run.n_calls)::BIGINT AS n_calls,
    sum(function_run.seconds) AS seconds, max(function_run.peak_megabytes) AS peak_megabytes,
    sum(function_run.kept_megabytes) AS kept_megabytes, sum(function_run.n_not_finite)::BIGINT AS n_not_finite
FROM function_run JOIN last_run USING (stage, unit, function, started_at)
GROUP BY ALL
ORDER BY seconds DESC, stage, function;
COMMENT ON VIEW function_cost IS 'What each function of the user cost to make what the tables and maps hold now.';
COMMENT ON COLUMN function_cost.stage IS 'Stage that called it.';
COMMENT ON COLUMN function_cost.function IS 'Name of the function.';
COMMENT ON COLUMN function_cost.n_calls IS 'How often it was called: for a window, or for strips of its rows.';
COMMENT ON COLUMN function_cost.seconds IS 'Time of all calls, in seconds.';
COMMENT ON COLUMN function_cost.peak_megabytes IS 'The most by which a call raised the largest memory that its process ever had, in megabytes.';
COMMENT ON COLUMN function_cost.kept_megabytes IS 'Memory that the calls together did not give back, in megabytes: a function that leaks grows here.';
COMMENT ON COLUMN function_cost.n_not_finite IS 'Pixels with data for which it gave NaN or infinity: they have no data in the result.';
