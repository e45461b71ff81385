-- The labelled polygons and how each run uses them.

CREATE TABLE IF NOT EXISTS polygon (
    polygon_id BIGINT, class_code INTEGER, source_label VARCHAR, group_name VARCHAR, split_value VARCHAR, area DOUBLE,
    geom GEOMETRY
);
COMMENT ON TABLE polygon IS 'Labelled polygons (or points) that can be used; the others are findings.';
COMMENT ON COLUMN polygon.polygon_id IS 'Id in the source: its polygon_id_field, or the feature id of the file.';
COMMENT ON COLUMN polygon.class_code IS 'Label.';
COMMENT ON COLUMN polygon.source_label IS 'Label as the source writes it.';
COMMENT ON COLUMN polygon.group_name IS 'Content of group_field: polygons that share it stay on one side of the split.';
COMMENT ON COLUMN polygon.split_value IS 'Content of split_field (its year for split_by year); null where it decides nothing.';
COMMENT ON COLUMN polygon.area IS 'Area in square map units; 0 for a point.';
COMMENT ON COLUMN polygon.geom IS 'The polygon or point, in the project''s projection.';

CREATE TABLE IF NOT EXISTS polygon_group (polygon_id BIGINT, group_id BIGINT);
COMMENT ON TABLE polygon_group IS 'What is drawn as a whole: a polygon, or polygons of one group_field or closer than min_distance.';
COMMENT ON COLUMN polygon_group.polygon_id IS 'The polygon.';
COMMENT ON COLUMN polygon_group.group_id IS 'Smallest polygon_id of its group.';

CREATE TABLE IF NOT EXISTS held_group (group_id BIGINT);
COMMENT ON TABLE held_group IS 'Groups that are of no run''s learn or val side: they validate the fusion of the runs.';
COMMENT ON COLUMN held_group.group_id IS 'The group.';

CREATE TABLE IF NOT EXISTS polygon_unit (polygon_id BIGINT, unit VARCHAR, weight DOUBLE);
COMMENT ON TABLE polygon_unit IS 'Which blocks, tiles, regions, years or values a polygon is of, where split_by is one of these.';
COMMENT ON COLUMN polygon_unit.polygon_id IS 'The polygon.';
COMMENT ON COLUMN polygon_unit.unit IS 'Block (column_row, counted from the origin of the projection), tile, region, year or value.';
COMMENT ON COLUMN polygon_unit.weight IS 'How much of it: pixels (block, tile), area in square map units (region), otherwise 1.';

CREATE TABLE IF NOT EXISTS polygon_buffer (run INTEGER, polygon_id BIGINT, nearest_polygon_id BIGINT, distance DOUBLE);
COMMENT ON TABLE polygon_buffer IS 'Polygons that would learn, left out because a val (or held) polygon is nearer than split_buffer.';
COMMENT ON COLUMN polygon_buffer.run IS 'Run.';
COMMENT ON COLUMN polygon_buffer.polygon_id IS 'The polygon.';
COMMENT ON COLUMN polygon_buffer.nearest_polygon_id IS 'The nearest val polygon.';
COMMENT ON COLUMN polygon_buffer.distance IS 'Distance between their edges in map units.';

CREATE TABLE IF NOT EXISTS polygon_split (
    run INTEGER, polygon_id BIGINT, region VARCHAR, class_code INTEGER, group_id BIGINT, split VARCHAR
);
COMMENT ON TABLE polygon_split IS 'Which polygon serves what in which run; drawn per region and class over all tiles at once, or as split_by says.';
COMMENT ON COLUMN polygon_split.run IS 'Run.';
COMMENT ON COLUMN polygon_split.polygon_id IS 'The polygon.';
COMMENT ON COLUMN polygon_split.region IS 'Region that holds most of its pixels: the stratum it was drawn in.';
COMMENT ON COLUMN polygon_split.class_code IS 'Class of the stratum.';
COMMENT ON COLUMN polygon_split.group_id IS 'Group that was drawn.';
COMMENT ON COLUMN polygon_split.split IS 'learn, val, held for the validation of the fused map, or buffer: too near to val or held, or partly in what the run leaves out, and so of no side.';

CREATE TABLE IF NOT EXISTS region_model (region VARCHAR, model VARCHAR, sensor VARCHAR);
COMMENT ON TABLE region_model IS 'The models of each region: one, or several whose labels are fused.';
COMMENT ON COLUMN region_model.region IS 'Region whose pixels the model classifies.';
COMMENT ON COLUMN region_model.model IS 'Name of the model, which quota, selection and model have as their region: the region''s own; 1f1, 1f2 for parts of region 1, 1_Landsat8 for a sensor of it.';
COMMENT ON COLUMN region_model.sensor IS 'Sensor whose features the model has, besides those of no sensor; null where it has all.';

CREATE TABLE IF NOT EXISTS polygon_model (run INTEGER, region VARCHAR, polygon_id BIGINT, model VARCHAR);
COMMENT ON TABLE polygon_model IS 'Which models learn from a polygon''s pixels in a region, where a region has several; empty where each has one.';
COMMENT ON COLUMN polygon_model.run IS 'Run.';
COMMENT ON COLUMN polygon_model.region IS 'Region of the pixels.';
COMMENT ON COLUMN polygon_model.polygon_id IS 'The learn polygon.';
COMMENT ON COLUMN polygon_model.model IS 'A model of the region (region_model).';

CREATE TABLE IF NOT EXISTS polygon_distance (run INTEGER, polygon_id BIGINT, nearest_polygon_id BIGINT, distance DOUBLE);
COMMENT ON TABLE polygon_distance IS 'How far each val polygon is from the nearest learn polygon of its class.';
COMMENT ON COLUMN polygon_distance.run IS 'Run.';
COMMENT ON COLUMN polygon_distance.polygon_id IS 'The val polygon.';
COMMENT ON COLUMN polygon_distance.nearest_polygon_id IS 'The learn polygon.';
COMMENT ON COLUMN polygon_distance.distance IS 'Distance between their edges in map units, 0 where they touch.';
