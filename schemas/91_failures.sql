-- Where a map fails: accuracy by circumstance, how far the confidence can be believed, labels and dates that look wrong.

CREATE OR REPLACE VIEW accuracy_by_circumstance AS
WITH spread AS (
    -- About ten steps of whole numbers between the fewest and the most.
    SELECT min(n_valid) AS least_dates, greatest(1, ceil((max(n_valid) - min(n_valid) + 1) / 10))::INTEGER AS date_step,
        greatest(5, 5 * ceil((max(longest_gap) + 1) / 50))::INTEGER AS gap_step
    FROM candidate
), pixel AS (
    SELECT run, polygon_id, tile, region, predicted_code = reference_code AS is_correct,
        least(floor(edge_distance / resolution_x), 10)::INTEGER AS edge_bin,
        ((n_valid - least_dates) // date_step)::INTEGER AS date_bin, (longest_gap // gap_step)::INTEGER AS gap_bin
    FROM evaluated_pixel CROSS JOIN grid CROSS JOIN spread
    WHERE predicted_code IS NOT NULL
), tally AS MATERIALIZED (
    -- The pixels are read once and not kept, and counted by polygon first: to count distinct polygons among pixels is dear.
    SELECT run, polygon_id, tile, region, edge_bin, date_bin, gap_bin, count(*) AS n_pixels,
        count(*) FILTER (is_correct) AS n_correct, grouping(tile) = 0 AS is_place, grouping(edge_bin) = 0 AS is_edge,
        grouping(date_bin) = 0 AS is_date, grouping(gap_bin) = 0 AS is_gap
    FROM pixel
    GROUP BY GROUPING SETS (
        (run, polygon_id, tile, region), (run, polygon_id, edge_bin), (run, polygon_id, date_bin), (run, polygon_id, gap_bin)
    )
), size AS (
    SELECT polygon_id, CASE WHEN count(*) < 10 THEN 0 WHEN count(*) < 20 THEN 10 WHEN count(*) < 50 THEN 20
        WHEN count(*) < 100 THEN 50 WHEN count(*) < 200 THEN 100 WHEN count(*) < 500 THEN 200 ELSE 500 END AS size_bin
    FROM candidate
    GROUP BY polygon_id
), piece AS MATERIALIZED (
    SELECT tally.run, tally.polygon_id, tile, region, n_pixels, n_correct, size_bin,
        CASE WHEN distance < 2 * resolution_x THEN 0 WHEN distance < 10 * resolution_x THEN 2
            WHEN distance < 50 * resolution_x THEN 10 WHEN distance < 100 * resolution_x THEN 50
            WHEN distance < 500 * resolution_x THEN 100 WHEN distance IS NOT NULL THEN 500 END AS learn_bin
    FROM tally CROSS JOIN grid
    LEFT JOIN size USING (polygon_id)
    LEFT JOIN polygon_distance ON polygon_distance.run = tally.run AND polygon_distance.polygon_id = tally.polygon_id
    WHERE tally.is_place
), counted AS (
    SELECT run, 'pixels from the edge' AS circumstance, edge_bin AS at_least,
        edge_bin || CASE WHEN edge_bin = 10 THEN ' and more' ELSE '' END AS bin,
        count(*) AS n_polygons, sum(n_pixels) AS n_pixels, sum(n_correct) AS n_correct
    FROM tally
    WHERE is_edge
    GROUP BY run, edge_bin
    UNION ALL
    SELECT run, 'clear dates', any_value(least_dates + date_bin * date_step),
        any_value((least_dates + date_bin * date_step)::VARCHAR
            || CASE WHEN date_step > 1 THEN ' to ' || (least_dates + (date_bin + 1) * date_step - 1) ELSE '' END),
        count(*), sum(n_pixels), sum(n_correct)
    FROM tally CROSS JOIN spread
    WHERE is_date
    GROUP BY run, date_bin
    UNION ALL
    SELECT run, 'longest gap in days', any_value(gap_bin * gap_step),
        any_value(gap_bin * gap_step || ' to ' || ((gap_bin + 1) * gap_step - 1)),
        count(*), sum(n_pixels), sum(n_correct)
    FROM tally CROSS JOIN spread
    WHERE is_gap
    GROUP BY run, gap_bin
    UNION ALL
    SELECT run, 'pixels from the nearest learn polygon', learn_bin,
        CASE learn_bin WHEN 0 THEN 'below 2' WHEN 2 THEN '2 to 10' WHEN 10 THEN '10 to 50' WHEN 50 THEN '50 to 100'
            WHEN 100 THEN '100 to 500' WHEN 500 THEN '500 and more' ELSE 'none of the class learns' END,
        count(DISTINCT polygon_id), sum(n_pixels), sum(n_correct)
    FROM piece
    GROUP BY run, learn_bin
    UNION ALL
    SELECT run, 'pixels of the polygon', size_bin,
        CASE size_bin WHEN 0 THEN 'below 10' WHEN 10 THEN '10 to 19' WHEN 20 THEN '20 to 49' WHEN 50 THEN '50 to 99'
            WHEN 100 THEN '100 to 199' WHEN 200 THEN '200 to 499' ELSE '500 and more' END,
        count(DISTINCT polygon_id), sum(n_pixels), sum(n_correct)
    FROM piece
    GROUP BY run, size_bin
    UNION ALL
    SELECT run, 'tile', NULL, tile, count(DISTINCT polygon_id), sum(n_pixels), sum(n_correct)
    FROM piece
    GROUP BY run, tile
    UNION ALL
    SELECT run, 'region', NULL, region, count(DISTINCT polygon_id), sum(n_pixels), sum(n_correct)
    FROM piece
    GROUP BY run, region
)
SELECT run, circumstance, at_least::BIGINT AS at_least, bin, n_polygons, n_pixels::BIGINT AS n_pixels,
    n_correct / n_pixels AS accuracy
FROM counted
ORDER BY run, circumstance, at_least NULLS LAST, bin;
COMMENT ON VIEW accuracy_by_circumstance IS 'Accuracy of validation pixels by where they lie and how well they were seen.';
COMMENT ON COLUMN accuracy_by_circumstance.run IS 'Run.';
COMMENT ON COLUMN accuracy_by_circumstance.circumstance IS 'pixels from the edge (of the polygon), clear dates, longest gap in days, pixels from the nearest learn polygon (of the class), pixels of the polygon, tile, region.';
COMMENT ON COLUMN accuracy_by_circumstance.at_least IS 'Lower end of the bin; null for tiles and regions, and where no polygon of the class learns.';
COMMENT ON COLUMN accuracy_by_circumstance.bin IS 'The bin in words; the tile; the region.';
COMMENT ON COLUMN accuracy_by_circumstance.n_polygons IS 'Validation polygons with pixels in the bin.';
COMMENT ON COLUMN accuracy_by_circumstance.n_pixels IS 'Validation pixels in the bin.';
COMMENT ON COLUMN accuracy_by_circumstance.accuracy IS 'Share of them that is right.';

CREATE OR REPLACE VIEW reliability AS
SELECT run, least(floor(confidence * 10), 9)::INTEGER / 10 AS confidence_from, count(*) AS n_pixels,
    avg(confidence) AS confidence, count(*) FILTER (predicted_code = reference_code) / count(*) AS accuracy
FROM evaluated_pixel
WHERE predicted_code IS NOT NULL AND confidence IS NOT NULL
GROUP BY ALL
ORDER BY ALL;
COMMENT ON VIEW reliability IS 'Can the confidence be believed? Validation pixels by tenths of confidence: where it is honest, accuracy equals confidence.';
COMMENT ON COLUMN reliability.run IS 'Run.';
COMMENT ON COLUMN reliability.confidence_from IS 'Lower end of the tenth; the last one holds 1 as well.';
COMMENT ON COLUMN reliability.n_pixels IS 'Validation pixels.';
COMMENT ON COLUMN reliability.confidence IS 'Their mean confidence; what it is, see model.confidence_kind.';
COMMENT ON COLUMN reliability.accuracy IS 'Share of them that is right.';

CREATE OR REPLACE VIEW calibration AS
WITH tenth AS (
    SELECT run, least(floor(confidence * 10), 9) AS tenth, count(*) AS n_pixels, sum(confidence) AS confidence,
        count(*) FILTER (predicted_code = reference_code) AS n_correct,
        sum((confidence::DOUBLE - (predicted_code = reference_code)::INTEGER) ** 2) AS squared_error
    FROM evaluated_pixel
    WHERE predicted_code IS NOT NULL AND confidence IS NOT NULL
    GROUP BY ALL
)
SELECT run, sum(n_pixels)::BIGINT AS n_pixels, sum(n_correct) / sum(n_pixels) AS accuracy,
    sum(confidence) / sum(n_pixels) AS confidence,
    sum(abs(confidence - n_correct)) / sum(n_pixels) AS calibration_error,
    max(abs(confidence - n_correct) / n_pixels) AS largest_error,
    sum(squared_error) / sum(n_pixels) AS brier_score
FROM tenth
GROUP BY run
ORDER BY run;
COMMENT ON VIEW calibration IS 'How far confidence and accuracy are apart, in one number per run.';
COMMENT ON COLUMN calibration.run IS 'Run.';
COMMENT ON COLUMN calibration.n_pixels IS 'Validation pixels.';
COMMENT ON COLUMN calibration.accuracy IS 'Share of them that is right.';
COMMENT ON COLUMN calibration.confidence IS 'Their mean confidence: above the accuracy the model is too sure of itself, below it too modest.';
COMMENT ON COLUMN calibration.calibration_error IS 'Expected calibration error: |confidence - accuracy| of the ten tenths of confidence, weighted by their pixels (Naeini et al. 2015).';
COMMENT ON COLUMN calibration.largest_error IS 'The largest of the ten.';
COMMENT ON COLUMN calibration.brier_score IS 'Brier score of the event that the label is right: mean of (confidence - 1 or 0) squared. Not the score over all classes: it needs only the confidence of the label.';

CREATE OR REPLACE VIEW suspect_polygon AS
WITH pixel AS MATERIALIZED (
    -- The pixels are read once, though two questions are asked of them.
    SELECT run, polygon_id, reference_code, predicted_code, confidence
    FROM evaluated_pixel
    WHERE predicted_code IS NOT NULL
), threshold AS (
    -- How sure the models are of a class where they agree with the ground truth (Northcutt et al. 2021, eq. 2).
    SELECT run, predicted_code AS class_code, avg(confidence) AS confidence
    FROM pixel
    WHERE predicted_code = reference_code
    GROUP BY ALL
), labelled AS (
    SELECT pixel.run, polygon_id, reference_code, predicted_code, count(*) AS n_pixels,
        sum(pixel.confidence) AS confidence,
        count(*) FILTER (pixel.confidence >= threshold.confidence) AS n_sure
    FROM pixel
    JOIN run ON run.run = pixel.run AND run.evaluated_split = 'val'
    LEFT JOIN threshold ON threshold.run = pixel.run AND threshold.class_code = predicted_code
    GROUP BY ALL
), validated AS (
    SELECT polygon_id, reference_code, count(DISTINCT run) AS n_runs, sum(n_pixels) AS n_pixels
    FROM labelled
    GROUP BY ALL
), majority AS (
    SELECT run, polygon_id, reference_code, arg_max(predicted_code, (n_pixels, -predicted_code)) AS predicted_code
    FROM labelled
    GROUP BY ALL
), wrong AS (
    SELECT polygon_id, count(*) FILTER (predicted_code <> reference_code) AS n_wrong FROM majority GROUP BY ALL
), suggested AS (
    SELECT polygon_id, predicted_code, sum(n_pixels) AS n_pixels, sum(confidence) AS confidence, sum(n_sure) AS n_sure
    FROM labelled
    WHERE predicted_code <> reference_code
    GROUP BY polygon_id, predicted_code
    QUALIFY row_number() OVER (PARTITION BY polygon_id ORDER BY sum(n_pixels) DESC, predicted_code) = 1
)
SELECT validated.polygon_id, validated.reference_code, reference.class_name AS reference_name,
    suggested.predicted_code AS suggested_code, other.class_name AS suggested_name,
    validated.n_runs, (validated.n_pixels / validated.n_runs)::BIGINT AS n_pixels,
    suggested.n_pixels / validated.n_pixels AS share,
    suggested.confidence / suggested.n_pixels AS confidence,
    coalesce(suggested.n_sure, 0) / validated.n_pixels AS sure_share
FROM validated
JOIN wrong USING (polygon_id)
JOIN suggested USING (polygon_id)
LEFT JOIN accuracy_class AS reference ON reference.class_code = validated.reference_code
LEFT JOIN accuracy_class AS other ON other.class_code = suggested.predicted_code
WHERE wrong.n_wrong = validated.n_runs
ORDER BY sure_share DESC, share DESC, validated.polygon_id;
COMMENT ON VIEW suspect_polygon IS 'Polygons whose label may be wrong: every run in which they validate calls most of their pixels something else. The surest first.';
COMMENT ON COLUMN suspect_polygon.polygon_id IS 'The polygon.';
COMMENT ON COLUMN suspect_polygon.reference_code IS 'Its class in the ground truth.';
COMMENT ON COLUMN suspect_polygon.reference_name IS 'Name of the class.';
COMMENT ON COLUMN suspect_polygon.suggested_code IS 'Class that most of its wrong pixels are given.';
COMMENT ON COLUMN suspect_polygon.suggested_name IS 'Name of that class.';
COMMENT ON COLUMN suspect_polygon.n_runs IS 'Runs in which it validates, and no model saw it: the more, the surer.';
COMMENT ON COLUMN suspect_polygon.n_pixels IS 'Its pixels.';
COMMENT ON COLUMN suspect_polygon.share IS 'Share of its pixels, over those runs, that is given the suggested class.';
COMMENT ON COLUMN suspect_polygon.confidence IS 'Mean confidence of those pixels, by models that did not learn from the polygon.';
COMMENT ON COLUMN suspect_polygon.sure_share IS 'Share of its pixels that is given the suggested class with at least the confidence that the class usually has where it is right: confident learning (Northcutt et al. 2021) with the confidence of the label alone.';

CREATE OR REPLACE MACRO time_outlier(wanted_band) AS TABLE
WITH measured AS (
    SELECT polygon.class_code, candidate.polygon_id, feature.sensor, feature.date,
        avg(sample.features[feature.feature_rank]) AS mean, count(*) AS n_samples
    FROM sample
    JOIN candidate USING (sample_id)
    JOIN polygon USING (polygon_id)
    JOIN feature ON feature.feature_group = sample.feature_group
    WHERE lower(feature.band) = lower(wanted_band) AND feature.date IS NOT NULL
    GROUP BY ALL
), middle AS (
    SELECT class_code, sensor, date, median(mean) AS median, mad(mean) AS deviation, count(*) AS n_polygons
    FROM measured
    GROUP BY ALL
)
SELECT measured.class_code, class.class_name, measured.sensor, measured.date, measured.polygon_id, measured.n_samples,
    middle.n_polygons, measured.mean, middle.median, 0.6745 * (measured.mean - middle.median) / middle.deviation AS robust_z
FROM measured
JOIN middle ON middle.class_code = measured.class_code AND middle.sensor = measured.sensor AND middle.date = measured.date
LEFT JOIN class ON class.class_code = measured.class_code
WHERE middle.deviation > 0 AND middle.n_polygons >= 5
    AND abs(0.6745 * (measured.mean - middle.median) / middle.deviation) > 3.5
ORDER BY abs(robust_z) DESC, measured.date, measured.polygon_id;
COMMENT ON MACRO TABLE time_outlier IS 'time_outlier(band): polygons whose mean on a date is far from those of their class: |robust z| > 3.5 (Iglewicz and Hoaglin 1993), 0.6745 (mean - median) / median absolute deviation, classes of five polygons and more. Many on one date: a missed cloud or shadow.';
