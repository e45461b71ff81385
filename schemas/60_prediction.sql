-- What the models make of the ground truth's pixels.

CREATE TABLE IF NOT EXISTS prediction (
    run INTEGER, region VARCHAR, kind VARCHAR, tile VARCHAR, chunk INTEGER, sample_id BIGINT,
    class_code INTEGER, confidence FLOAT
);
COMMENT ON TABLE prediction IS 'Label and confidence of every candidate pixel, learn and val alike, as in the map.';
COMMENT ON COLUMN prediction.run IS 'Run.';
COMMENT ON COLUMN prediction.region IS 'Region, that is, model.';
COMMENT ON COLUMN prediction.kind IS 'Kind of model.';
COMMENT ON COLUMN prediction.tile IS 'Tile of the pixel.';
COMMENT ON COLUMN prediction.chunk IS 'Chunk of the tile.';
COMMENT ON COLUMN prediction.sample_id IS 'The pixel.';
COMMENT ON COLUMN prediction.class_code IS 'Label it was given.';
COMMENT ON COLUMN prediction.confidence IS 'Confidence from 0 to 1; what it is, see model.confidence_kind.';

CREATE TABLE IF NOT EXISTS confusion_count (run INTEGER, reference_code INTEGER, predicted_code INTEGER, n_pixels BIGINT);
COMMENT ON TABLE confusion_count IS 'Confusion matrices that came as counts, without pixels: those of an imported iota2 project.';
COMMENT ON COLUMN confusion_count.run IS 'Run.';
COMMENT ON COLUMN confusion_count.reference_code IS 'What the ground truth says.';
COMMENT ON COLUMN confusion_count.predicted_code IS 'What the map says.';
COMMENT ON COLUMN confusion_count.n_pixels IS 'Pixels.';
