-- What zones (parcels, municipalities) hold of the maps.

CREATE TABLE IF NOT EXISTS zone (
    zone_layer VARCHAR, zone_id BIGINT, properties VARCHAR, geom GEOMETRY
);
COMMENT ON TABLE zone IS 'Zones of the layers that `i2db zonal` was given for this project.';
COMMENT ON COLUMN zone.zone_layer IS 'Name of the layer: the file''s, without suffix.';
COMMENT ON COLUMN zone.zone_id IS 'Place of the zone in its file, from 0.';
COMMENT ON COLUMN zone.properties IS 'The zone''s own fields as JSON: properties ->> ''name''.';
COMMENT ON COLUMN zone.geom IS 'Geometry in the project''s projection.';

CREATE TABLE IF NOT EXISTS zone_band (
    zone_layer VARCHAR, run INTEGER, band INTEGER, raster VARCHAR, raster_band INTEGER, membership VARCHAR
);
COMMENT ON TABLE zone_band IS 'Bands that zones were laid over.';
COMMENT ON COLUMN zone_band.zone_layer IS 'Name of the layer.';
COMMENT ON COLUMN zone_band.run IS 'Run whose maps they are.';
COMMENT ON COLUMN zone_band.band IS 'Number of the band over all rasters, from 1.';
COMMENT ON COLUMN zone_band.raster IS 'File name.';
COMMENT ON COLUMN zone_band.raster_band IS 'Number of the band in it, from 1.';
COMMENT ON COLUMN zone_band.membership IS 'Which pixels are a zone''s: center, touched, or exact (by covered share).';

CREATE TABLE IF NOT EXISTS zone_class (
    zone_layer VARCHAR, run INTEGER, zone_id BIGINT, band INTEGER, class_code INTEGER, n_pixels DOUBLE
);
COMMENT ON TABLE zone_class IS 'Pixels per zone and class.';
COMMENT ON COLUMN zone_class.zone_layer IS 'Name of the layer.';
COMMENT ON COLUMN zone_class.run IS 'Run whose map it is.';
COMMENT ON COLUMN zone_class.zone_id IS 'The zone.';
COMMENT ON COLUMN zone_class.band IS 'Band of classes.';
COMMENT ON COLUMN zone_class.class_code IS 'Class.';
COMMENT ON COLUMN zone_class.n_pixels IS 'Number of pixels; with membership exact, sum of their covered shares.';

CREATE TABLE IF NOT EXISTS zone_moment (
    zone_layer VARCHAR, run INTEGER, zone_id BIGINT, band INTEGER, class_code INTEGER,
    n_pixels DOUBLE, mean DOUBLE, squares DOUBLE, minimum DOUBLE, maximum DOUBLE
);
COMMENT ON TABLE zone_moment IS 'What mean and standard deviation of a band per zone are made from.';
COMMENT ON COLUMN zone_moment.zone_layer IS 'Name of the layer.';
COMMENT ON COLUMN zone_moment.run IS 'Run whose maps they are.';
COMMENT ON COLUMN zone_moment.zone_id IS 'The zone.';
COMMENT ON COLUMN zone_moment.band IS 'Band of numbers.';
COMMENT ON COLUMN zone_moment.class_code IS 'Class whose pixels alone are meant; null for all.';
COMMENT ON COLUMN zone_moment.n_pixels IS 'Number of pixels with data; with membership exact, sum of their covered shares.';
COMMENT ON COLUMN zone_moment.mean IS 'Mean over them.';
COMMENT ON COLUMN zone_moment.squares IS 'Sum of squared deviations from it.';
COMMENT ON COLUMN zone_moment.minimum IS 'Smallest number.';
COMMENT ON COLUMN zone_moment.maximum IS 'Largest number.';

CREATE TABLE IF NOT EXISTS zone_number (
    zone_layer VARCHAR, run INTEGER, zone_id BIGINT, band INTEGER, number DOUBLE, n_pixels DOUBLE
);
COMMENT ON TABLE zone_number IS 'Pixels per zone and number, where a median, percentile, variety, majority or point asks for it.';
COMMENT ON COLUMN zone_number.zone_layer IS 'Name of the layer.';
COMMENT ON COLUMN zone_number.run IS 'Run whose maps they are.';
COMMENT ON COLUMN zone_number.zone_id IS 'The zone.';
COMMENT ON COLUMN zone_number.band IS 'Band of numbers.';
COMMENT ON COLUMN zone_number.number IS 'Number in the raster.';
COMMENT ON COLUMN zone_number.n_pixels IS 'Number of pixels; with membership exact, sum of their covered shares.';

CREATE OR REPLACE VIEW zone_majority AS
SELECT zone_layer, run, zone_id, band, arg_max(class_code, (n_pixels, -class_code)) AS class_code
FROM zone_class
GROUP BY ALL;
COMMENT ON VIEW zone_majority IS 'The class with most pixels per zone; of equals the one with the smallest code.';
COMMENT ON COLUMN zone_majority.zone_layer IS 'Name of the layer.';
COMMENT ON COLUMN zone_majority.run IS 'Run.';
COMMENT ON COLUMN zone_majority.zone_id IS 'The zone.';
COMMENT ON COLUMN zone_majority.band IS 'Band of classes.';
COMMENT ON COLUMN zone_majority.class_code IS 'The class.';

CREATE OR REPLACE VIEW zone_rate AS
SELECT
    zone_class.zone_layer, zone_class.run, zone_class.zone_id, zone_class.band, zone_class.class_code,
    class.class_name, zone_class.n_pixels,
    zone_class.n_pixels
    / sum(zone_class.n_pixels) OVER (
        PARTITION BY zone_class.zone_layer, zone_class.run, zone_class.zone_id, zone_class.band
    ) AS rate
FROM zone_class LEFT JOIN class USING (class_code);
COMMENT ON VIEW zone_rate IS 'Share of each class among a zone''s pixels with data.';
COMMENT ON COLUMN zone_rate.zone_layer IS 'Name of the layer.';
COMMENT ON COLUMN zone_rate.run IS 'Run.';
COMMENT ON COLUMN zone_rate.zone_id IS 'The zone.';
COMMENT ON COLUMN zone_rate.band IS 'Band of classes.';
COMMENT ON COLUMN zone_rate.class_code IS 'Class.';
COMMENT ON COLUMN zone_rate.class_name IS 'Its name.';
COMMENT ON COLUMN zone_rate.n_pixels IS 'Number of pixels; with membership exact, sum of their covered shares.';
COMMENT ON COLUMN zone_rate.rate IS 'Share, 0 to 1.';

CREATE OR REPLACE VIEW zone_statistics AS
SELECT
    zone_layer, run, zone_id, band, class_code, n_pixels, mean, sqrt(squares / n_pixels) AS standard_deviation,
    minimum, maximum
FROM zone_moment;
COMMENT ON VIEW zone_statistics IS 'Mean, population standard deviation and range of a band per zone.';
COMMENT ON COLUMN zone_statistics.zone_layer IS 'Name of the layer.';
COMMENT ON COLUMN zone_statistics.run IS 'Run.';
COMMENT ON COLUMN zone_statistics.zone_id IS 'The zone.';
COMMENT ON COLUMN zone_statistics.band IS 'Band of numbers.';
COMMENT ON COLUMN zone_statistics.class_code IS 'Class whose pixels alone are meant; null for all.';
COMMENT ON COLUMN zone_statistics.n_pixels IS 'Number of pixels with data; with membership exact, sum of their covered shares.';
COMMENT ON COLUMN zone_statistics.mean IS 'Mean.';
COMMENT ON COLUMN zone_statistics.standard_deviation IS 'Population standard deviation.';
COMMENT ON COLUMN zone_statistics.minimum IS 'Smallest number.';
COMMENT ON COLUMN zone_statistics.maximum IS 'Largest number.';
