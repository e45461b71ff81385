-- What is computed from the predictions once, when they are evaluated: intervals, areas, how far classes are apart.

CREATE TABLE IF NOT EXISTS accuracy_interval (
    run INTEGER, metric VARCHAR, class_code INTEGER, estimate DOUBLE, lower_bound DOUBLE, upper_bound DOUBLE,
    n_units BIGINT, n_replicates INTEGER
);
COMMENT ON TABLE accuracy_interval IS 'Within each run, 95 % intervals by a bootstrap over polygons (groups of them, where groups are drawn), within classes.';
COMMENT ON COLUMN accuracy_interval.run IS 'Run.';
COMMENT ON COLUMN accuracy_interval.metric IS 'overall_accuracy, kappa, f_score, area_weighted_accuracy; per class precision, recall, f_score.';
COMMENT ON COLUMN accuracy_interval.class_code IS 'Class; null for the whole map.';
COMMENT ON COLUMN accuracy_interval.estimate IS 'The measure of the run; null where it is undefined.';
COMMENT ON COLUMN accuracy_interval.lower_bound IS '2.5 % quantile of the replicates; null where the class has one unit, the units of each class all say the same, or the measure is undefined in over 5 % of the replicates.';
COMMENT ON COLUMN accuracy_interval.upper_bound IS '97.5 % quantile of the replicates.';
COMMENT ON COLUMN accuracy_interval.n_units IS 'Validation polygons (or groups) that were resampled: of the class, or all.';
COMMENT ON COLUMN accuracy_interval.n_replicates IS 'Number of replicates.';

CREATE TABLE IF NOT EXISTS class_area (
    run INTEGER, class_code INTEGER, n_pixels BIGINT, mapped_area DOUBLE, adjusted_area DOUBLE,
    lower_bound DOUBLE, upper_bound DOUBLE
);
COMMENT ON TABLE class_area IS 'Area of each class on the map, and as the validation polygons correct it: right only if they were a probability sample.';
COMMENT ON COLUMN class_area.run IS 'Run.';
COMMENT ON COLUMN class_area.class_code IS 'Class.';
COMMENT ON COLUMN class_area.n_pixels IS 'Pixels of the class on the map.';
COMMENT ON COLUMN class_area.mapped_area IS 'Their true area on the ellipsoid in square metres.';
COMMENT ON COLUMN class_area.adjusted_area IS 'Area corrected for the errors of the map (Olofsson et al. 2014, eq. 9 and 11), in square metres. Where the map says a class that it gives no validation pixel, nothing is known and that part of the map is left out.';
COMMENT ON COLUMN class_area.lower_bound IS 'Lower end of its 95 % interval (bootstrap over polygons).';
COMMENT ON COLUMN class_area.upper_bound IS 'Upper end of its 95 % interval.';

CREATE TABLE IF NOT EXISTS class_separability (
    sensor VARCHAR, date DATE, class_code INTEGER, other_code INTEGER, n_features INTEGER,
    n_samples BIGINT, n_other_samples BIGINT, jeffries_matusita DOUBLE
);
COMMENT ON TABLE class_separability IS 'How far two classes are apart on a date, over the features that a sensor has on it; from at most 5,000 samples of a class.';
COMMENT ON COLUMN class_separability.sensor IS 'Sensor.';
COMMENT ON COLUMN class_separability.date IS 'Date of the features.';
COMMENT ON COLUMN class_separability.class_code IS 'The class that comes first in the nomenclature.';
COMMENT ON COLUMN class_separability.other_code IS 'The other class.';
COMMENT ON COLUMN class_separability.n_features IS 'Features of the date.';
COMMENT ON COLUMN class_separability.n_samples IS 'Samples of the first class.';
COMMENT ON COLUMN class_separability.n_other_samples IS 'Samples of the other class.';
COMMENT ON COLUMN class_separability.jeffries_matusita IS 'Jeffries-Matusita distance, 0 (the same) to 2 (never confused), of normal distributions.';
