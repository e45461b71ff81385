-- What the models make of the ground truth's pixels.

CREATE TABLE IF NOT EXISTS prediction (
    run INTEGER, region VARCHAR, kind VARCHAR, tile VARCHAR, chunk INTEGER, sample_id BIGINT,
    class_code INTEGER, confidence FLOAT
);
COMMENT ON TABLE prediction IS 'Label and confidence of every candidate pixel, learn and val alike, as in the map.';
COMMENT ON COLUMN prediction.run IS 'Run.';
COMMENT ON COLUMN prediction.region IS 'Region of the pixel.';
COMMENT ON COLUMN prediction.kind IS 'Kind of model.';
COMMENT ON COLUMN prediction.tile IS 'Tile of the pixel.';
COMMENT ON COLUMN prediction.chunk IS 'Chunk of the tile.';
COMMENT ON COLUMN prediction.sample_id IS 'The pixel.';
COMMENT ON COLUMN prediction.class_code IS 'Label it was given.';
COMMENT ON COLUMN prediction.confidence IS 'Confidence from 0 to 1; what it is, see model.confidence_kind.';

CREATE TABLE IF NOT EXISTS derived_prediction (
    run INTEGER, is_smoothed BOOLEAN, tile VARCHAR, chunk INTEGER, sample_id BIGINT, class_code INTEGER, confidence FLOAT
);
COMMENT ON TABLE derived_prediction IS 'Label of every candidate pixel in the maps that are made of the runs'' maps: their fusion, and those that are smoothed.';
COMMENT ON COLUMN derived_prediction.run IS 'Run; null for the fusion of all runs.';
COMMENT ON COLUMN derived_prediction.is_smoothed IS 'Whether it is the smoothed map.';
COMMENT ON COLUMN derived_prediction.tile IS 'Tile of the pixel.';
COMMENT ON COLUMN derived_prediction.chunk IS 'Chunk of the tile.';
COMMENT ON COLUMN derived_prediction.sample_id IS 'The pixel.';
COMMENT ON COLUMN derived_prediction.class_code IS 'Label it has; null for no data; the undecided label, which is no class, where the fusion is undecided.';
COMMENT ON COLUMN derived_prediction.confidence IS 'Confidence from 0 to 1; null where the map has none.';

CREATE TABLE IF NOT EXISTS confusion_count (run INTEGER, reference_code INTEGER, predicted_code INTEGER, n_pixels BIGINT);
COMMENT ON TABLE confusion_count IS 'Confusion matrices that came as counts, without pixels: those of an imported iota2 project.';
COMMENT ON COLUMN confusion_count.run IS 'Run.';
COMMENT ON COLUMN confusion_count.reference_code IS 'What the ground truth says.';
COMMENT ON COLUMN confusion_count.predicted_code IS 'What the map says.';
COMMENT ON COLUMN confusion_count.n_pixels IS 'Pixels.';
