-- The labelled polygons and how each run uses them.

CREATE TABLE IF NOT EXISTS polygon (
    polygon_id BIGINT, class_code INTEGER, source_label VARCHAR, group_name VARCHAR, area DOUBLE, geom GEOMETRY
);
COMMENT ON TABLE polygon IS 'Labelled polygons that can be used; the others are findings.';
COMMENT ON COLUMN polygon.polygon_id IS 'Id in the source: its polygon_id_field, or the feature id of the file.';
COMMENT ON COLUMN polygon.class_code IS 'Label.';
COMMENT ON COLUMN polygon.source_label IS 'Label as the source writes it.';
COMMENT ON COLUMN polygon.group_name IS 'Content of group_field: polygons that share it stay on one side of the split.';
COMMENT ON COLUMN polygon.area IS 'Area in square map units.';
COMMENT ON COLUMN polygon.geom IS 'The polygon, in the project''s projection.';

CREATE TABLE IF NOT EXISTS polygon_group (polygon_id BIGINT, group_id BIGINT);
COMMENT ON TABLE polygon_group IS 'What is drawn as a whole: a polygon, or polygons of one group_field or closer than min_distance.';
COMMENT ON COLUMN polygon_group.polygon_id IS 'The polygon.';
COMMENT ON COLUMN polygon_group.group_id IS 'Smallest polygon_id of its group.';

CREATE TABLE IF NOT EXISTS polygon_split (
    run INTEGER, polygon_id BIGINT, region VARCHAR, class_code INTEGER, group_id BIGINT, split VARCHAR
);
COMMENT ON TABLE polygon_split IS 'Which polygon serves what in which run; drawn per region and class over all tiles at once.';
COMMENT ON COLUMN polygon_split.run IS 'Run.';
COMMENT ON COLUMN polygon_split.polygon_id IS 'The polygon.';
COMMENT ON COLUMN polygon_split.region IS 'Region that holds most of its pixels: the stratum it was drawn in.';
COMMENT ON COLUMN polygon_split.class_code IS 'Class of the stratum.';
COMMENT ON COLUMN polygon_split.group_id IS 'Group that was drawn.';
COMMENT ON COLUMN polygon_split.split IS 'learn or val (later also tune and held).';

CREATE TABLE IF NOT EXISTS polygon_distance (run INTEGER, polygon_id BIGINT, nearest_polygon_id BIGINT, distance DOUBLE);
COMMENT ON TABLE polygon_distance IS 'How far each val polygon is from the nearest learn polygon of its class.';
COMMENT ON COLUMN polygon_distance.run IS 'Run.';
COMMENT ON COLUMN polygon_distance.polygon_id IS 'The val polygon.';
COMMENT ON COLUMN polygon_distance.nearest_polygon_id IS 'The learn polygon.';
COMMENT ON COLUMN polygon_distance.distance IS 'Distance between their edges in map units, 0 where they touch.';
