-- What the rest refers to: classes, regions, tiles, chunks, acquisitions, features, runs.

CREATE TABLE IF NOT EXISTS grid (
    crs VARCHAR, resolution_x DOUBLE, resolution_y DOUBLE, origin_x DOUBLE DEFAULT 0, origin_y DOUBLE DEFAULT 0
);
COMMENT ON TABLE grid IS 'The one pixel grid of the project: pixel (column 0, row 0) has its north-west corner at its origin.';
COMMENT ON COLUMN grid.crs IS 'Projection: EPSG:code, or PROJJSON where it has none.';
COMMENT ON COLUMN grid.resolution_x IS 'Width of a pixel in map units.';
COMMENT ON COLUMN grid.resolution_y IS 'Height of a pixel in map units.';
COMMENT ON COLUMN grid.origin_x IS 'Abscissa of that corner in map units, from 0 to the width of a pixel; 0 unless chain.grid_origin is set.';
COMMENT ON COLUMN grid.origin_y IS 'Ordinate of that corner in map units, from 0 to the height of a pixel.';

CREATE TABLE IF NOT EXISTS class (
    class_code INTEGER, class_name VARCHAR, alias VARCHAR, class_rank INTEGER,
    red UTINYINT, green UTINYINT, blue UTINYINT
);
COMMENT ON TABLE class IS 'The nomenclature with its colours.';
COMMENT ON COLUMN class.class_code IS 'Label in the ground truth and in the maps; 0 is no data.';
COMMENT ON COLUMN class.class_name IS 'Name of the class.';
COMMENT ON COLUMN class.alias IS 'Short name, where the nomenclature gives one.';
COMMENT ON COLUMN class.class_rank IS 'Place in the nomenclature, from 1.';
COMMENT ON COLUMN class.red IS 'Red of its colour, 0 to 255.';
COMMENT ON COLUMN class.green IS 'Green of its colour, 0 to 255.';
COMMENT ON COLUMN class.blue IS 'Blue of its colour, 0 to 255.';

CREATE TABLE IF NOT EXISTS annual_class (class_code INTEGER, merged_code INTEGER, merged_name VARCHAR);
COMMENT ON TABLE annual_class IS 'Classes that are learnt from the previous year''s samples (arg_train.annual_crop); empty without crop_mix.';
COMMENT ON COLUMN annual_class.class_code IS 'The class.';
COMMENT ON COLUMN annual_class.merged_code IS 'Label that stands for all of them in the accuracy (a_crop_label_replacement); null where each stands for itself.';
COMMENT ON COLUMN annual_class.merged_name IS 'Its name.';

CREATE OR REPLACE VIEW accuracy_class AS
SELECT class.class_code, class.class_name, class.class_rank, class.red, class.green, class.blue
FROM class LEFT JOIN annual_class USING (class_code)
WHERE annual_class.merged_code IS NULL
UNION ALL
SELECT annual_class.merged_code, annual_class.merged_name, min(class.class_rank), arg_min(class.red, class.class_rank),
    arg_min(class.green, class.class_rank), arg_min(class.blue, class.class_rank)
FROM annual_class JOIN class USING (class_code)
WHERE annual_class.merged_code IS NOT NULL
GROUP BY ALL;
COMMENT ON VIEW accuracy_class IS 'The classes whose accuracy is told: the nomenclature, the annual classes merged where that is asked for.';
COMMENT ON COLUMN accuracy_class.class_code IS 'Class, or the label of the merged ones.';
COMMENT ON COLUMN accuracy_class.class_name IS 'Its name.';
COMMENT ON COLUMN accuracy_class.class_rank IS 'Place in the nomenclature; that of the first of the merged ones.';
COMMENT ON COLUMN accuracy_class.red IS 'Red of its colour, 0 to 255; the merged ones have the colour of the first.';
COMMENT ON COLUMN accuracy_class.green IS 'Green of its colour.';
COMMENT ON COLUMN accuracy_class.blue IS 'Blue of its colour.';

CREATE TABLE IF NOT EXISTS region (region VARCHAR, region_rank INTEGER, geom GEOMETRY);
COMMENT ON TABLE region IS 'Regions with a model each; without regions there is one, called 1.';
COMMENT ON COLUMN region.region IS 'Name of the region.';
COMMENT ON COLUMN region.region_rank IS 'Order of the regions, from 1; where two overlap the first has the pixel.';
COMMENT ON COLUMN region.geom IS 'Its extent; null where it is everything.';

CREATE TABLE IF NOT EXISTS tile (
    tile VARCHAR, tile_rank INTEGER, grid_column INTEGER, grid_row INTEGER, n_columns INTEGER, n_rows INTEGER,
    geom GEOMETRY
);
COMMENT ON TABLE tile IS 'Tiles, snapped to the grid.';
COMMENT ON COLUMN tile.tile IS 'Name, e.g. T31TCJ.';
COMMENT ON COLUMN tile.tile_rank IS 'Order from the north-west, from 1: a pixel belongs to the first tile that has data there.';
COMMENT ON COLUMN tile.grid_column IS 'Grid column of the north-west pixel.';
COMMENT ON COLUMN tile.grid_row IS 'Grid row of the north-west pixel.';
COMMENT ON COLUMN tile.n_columns IS 'Width in pixels.';
COMMENT ON COLUMN tile.n_rows IS 'Height in pixels.';
COMMENT ON COLUMN tile.geom IS 'Its extent.';

CREATE TABLE IF NOT EXISTS chunk (
    tile VARCHAR, chunk INTEGER, grid_column INTEGER, grid_row INTEGER, n_columns INTEGER, n_rows INTEGER
);
COMMENT ON TABLE chunk IS 'Pieces of the tiles, whole blocks of the files: what one task works on.';
COMMENT ON COLUMN chunk.tile IS 'Tile of the chunk.';
COMMENT ON COLUMN chunk.chunk IS 'Number within the tile, from 0, row by row.';
COMMENT ON COLUMN chunk.grid_column IS 'Grid column of the north-west pixel.';
COMMENT ON COLUMN chunk.grid_row IS 'Grid row of the north-west pixel.';
COMMENT ON COLUMN chunk.n_columns IS 'Width in pixels.';
COMMENT ON COLUMN chunk.n_rows IS 'Height in pixels.';

CREATE TABLE IF NOT EXISTS acquisition (
    product VARCHAR, tile VARCHAR, sensor VARCHAR, platform VARCHAR, orbit VARCHAR, date DATE, acquired_at VARCHAR,
    fingerprint VARCHAR
);
COMMENT ON TABLE acquisition IS 'Products on disk; several of one day count as one date.';
COMMENT ON COLUMN acquisition.product IS 'Name of the product.';
COMMENT ON COLUMN acquisition.tile IS 'Tile it covers.';
COMMENT ON COLUMN acquisition.sensor IS 'Sensor, as in the names of features.';
COMMENT ON COLUMN acquisition.platform IS 'Satellite, where the product tells it.';
COMMENT ON COLUMN acquisition.orbit IS 'Relative orbit, where the product tells it.';
COMMENT ON COLUMN acquisition.date IS 'Day of acquisition.';
COMMENT ON COLUMN acquisition.acquired_at IS 'Time of the day, as the product writes it.';
COMMENT ON COLUMN acquisition.fingerprint IS 'Hash of its files'' names, sizes, times and heads.';

CREATE TABLE IF NOT EXISTS feature (
    feature_id INTEGER, feature_group VARCHAR, feature_rank INTEGER, feature_name VARCHAR, sensor VARCHAR,
    band VARCHAR, date DATE, unit VARCHAR, scale DOUBLE
);
COMMENT ON TABLE feature IS 'What the numbers in sample.features are, in their order.';
COMMENT ON COLUMN feature.feature_id IS 'Place among all features of the model, from 1.';
COMMENT ON COLUMN feature.feature_group IS 'Group that is extracted together: a sensor, later user rasters, functions or context.';
COMMENT ON COLUMN feature.feature_rank IS 'Place in the array of the group, from 1.';
COMMENT ON COLUMN feature.feature_name IS 'Column name in exports, e.g. sentinel2_ndvi_20180514.';
COMMENT ON COLUMN feature.sensor IS 'Sensor.';
COMMENT ON COLUMN feature.band IS 'Band or index.';
COMMENT ON COLUMN feature.date IS 'Date of the value; null where it has none.';
COMMENT ON COLUMN feature.unit IS 'Physical unit of value * scale.';
COMMENT ON COLUMN feature.scale IS 'Factor from the stored number to the unit.';

CREATE TABLE IF NOT EXISTS run (run INTEGER, random_seed BIGINT, evaluated_split VARCHAR, held_out VARCHAR);
COMMENT ON TABLE run IS 'The repetitions of the whole exercise with another split.';
COMMENT ON COLUMN run.run IS 'Number from 0 (iota2''s file names call it seed).';
COMMENT ON COLUMN run.random_seed IS 'Number that all draws of the run start from.';
COMMENT ON COLUMN run.evaluated_split IS 'val; or learn where the ground truth is not split (resubstitution).';
COMMENT ON COLUMN run.held_out IS 'Tile, region, year or value that the run leaves out of learning and is tested on; null where polygons or blocks are drawn.';

CREATE TABLE IF NOT EXISTS student_t (degrees_of_freedom INTEGER, quantile DOUBLE);
COMMENT ON TABLE student_t IS 'Student''s t, 0.975 quantile: 95 % intervals over runs.';
COMMENT ON COLUMN student_t.degrees_of_freedom IS 'Number of runs minus one.';
COMMENT ON COLUMN student_t.quantile IS 'The quantile.';
