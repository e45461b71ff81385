-- Pixels of the ground truth: which there are, which are drawn, what they look like.

CREATE TABLE IF NOT EXISTS candidate (
    sample_id BIGINT, polygon_id BIGINT, region VARCHAR, tile VARCHAR, chunk INTEGER,
    grid_column INTEGER, grid_row INTEGER, n_valid USMALLINT, n_valid_by_sensor MAP(VARCHAR, USMALLINT),
    longest_gap USMALLINT, edge_distance FLOAT
);
COMMENT ON TABLE candidate IS 'Every usable pixel of the ground truth; a pixel belongs to one tile, one region and one polygon.';
COMMENT ON COLUMN candidate.sample_id IS 'Id from row and column of the grid; ascending is scan order from the north-west.';
COMMENT ON COLUMN candidate.polygon_id IS 'Polygon that holds its centre.';
COMMENT ON COLUMN candidate.region IS 'Region of its centre.';
COMMENT ON COLUMN candidate.tile IS 'Tile that owns it.';
COMMENT ON COLUMN candidate.chunk IS 'Chunk of the tile.';
COMMENT ON COLUMN candidate.grid_column IS 'Column in the grid.';
COMMENT ON COLUMN candidate.grid_row IS 'Row in the grid, southwards.';
COMMENT ON COLUMN candidate.n_valid IS 'Number of clear dates of the optical sensors.';
COMMENT ON COLUMN candidate.n_valid_by_sensor IS 'The same, per sensor.';
COMMENT ON COLUMN candidate.longest_gap IS 'Longest stretch without a clear date, in days; the first and last stretch count.';
COMMENT ON COLUMN candidate.edge_distance IS 'Distance from its centre to the boundary of its polygon, in map units; null for points.';

CREATE OR REPLACE VIEW group_stratum AS
SELECT DISTINCT ON (group_id) group_id, class_code, region
FROM (
    SELECT polygon_group.group_id, polygon.class_code, candidate.region, count(*) AS n
    FROM candidate JOIN polygon USING (polygon_id) JOIN polygon_group USING (polygon_id)
    GROUP BY ALL
)
ORDER BY group_id, n DESC, class_code, region;
COMMENT ON VIEW group_stratum IS 'The class and region that most pixels of a group are of; the smaller name where two are equal.';
COMMENT ON COLUMN group_stratum.group_id IS 'The group.';
COMMENT ON COLUMN group_stratum.class_code IS 'Its class.';
COMMENT ON COLUMN group_stratum.region IS 'Its region.';

CREATE OR REPLACE VIEW group_unit AS
SELECT DISTINCT ON (group_id) group_id, unit
FROM (
    SELECT polygon_group.group_id, polygon_unit.unit, sum(polygon_unit.weight) AS weight
    FROM polygon_unit JOIN polygon_group USING (polygon_id)
    GROUP BY ALL
)
ORDER BY group_id, weight DESC, unit;
COMMENT ON VIEW group_unit IS 'The block, tile, region, year or value that most of a group is in; the smaller name where two are equal.';
COMMENT ON COLUMN group_unit.group_id IS 'The group.';
COMMENT ON COLUMN group_unit.unit IS 'Its unit.';

CREATE TABLE IF NOT EXISTS previous_candidate (
    sample_id BIGINT, polygon_id BIGINT, region VARCHAR, class_code INTEGER, tile VARCHAR, chunk INTEGER
);
COMMENT ON TABLE previous_candidate IS 'Pixels of the annual classes in the previous year''s project whose features are complete (arg_train.crop_mix).';
COMMENT ON COLUMN previous_candidate.sample_id IS '-1 minus the id of the pixel there, so that no pixel of this year has it.';
COMMENT ON COLUMN previous_candidate.polygon_id IS '-1 minus the id of its polygon there.';
COMMENT ON COLUMN previous_candidate.region IS 'Region whose model may learn it.';
COMMENT ON COLUMN previous_candidate.class_code IS 'Its class.';
COMMENT ON COLUMN previous_candidate.tile IS 'Tile there, with previous_ before it.';
COMMENT ON COLUMN previous_candidate.chunk IS 'Chunk of the tile there.';

CREATE OR REPLACE VIEW learnable_pixel AS
-- Materialized: joined within the second branch, DuckDB 1.5.5 comes to no end where more rows are fetched than it buffers.
WITH validating AS MATERIALIZED (
    SELECT polygon_split.run, previous_candidate.polygon_id
    FROM previous_candidate
    JOIN candidate ON candidate.sample_id = -1 - previous_candidate.sample_id
    JOIN polygon_split ON polygon_split.polygon_id = candidate.polygon_id AND polygon_split.split <> 'learn'
)
SELECT polygon_split.run, coalesce(polygon_model.model, candidate.region) AS region, polygon.class_code,
    candidate.polygon_id, candidate.sample_id
FROM candidate
JOIN polygon USING (polygon_id)
JOIN polygon_split ON polygon_split.polygon_id = candidate.polygon_id AND polygon_split.split = 'learn'
LEFT JOIN polygon_model
    ON polygon_model.run = polygon_split.run AND polygon_model.polygon_id = candidate.polygon_id
    AND polygon_model.region = candidate.region
ANTI JOIN annual_class ON annual_class.class_code = polygon.class_code
UNION ALL
SELECT run.run, previous_candidate.region, previous_candidate.class_code, previous_candidate.polygon_id,
    previous_candidate.sample_id
FROM previous_candidate
CROSS JOIN run
-- A field that validates this year does not learn as it was last year.
ANTI JOIN validating ON validating.run = run.run AND validating.polygon_id = previous_candidate.polygon_id;
COMMENT ON VIEW learnable_pixel IS 'Pixels that each run may learn: those of learn polygons; of annual classes those of the previous year, less polygons that lie on this year''s val polygons.';
COMMENT ON COLUMN learnable_pixel.run IS 'Run.';
COMMENT ON COLUMN learnable_pixel.region IS 'Model that may learn it: the region''s, or one of several (region_model).';
COMMENT ON COLUMN learnable_pixel.class_code IS 'Class.';
COMMENT ON COLUMN learnable_pixel.polygon_id IS 'Its polygon; below 0 for one of the previous year.';
COMMENT ON COLUMN learnable_pixel.sample_id IS 'The pixel; below 0 for one of the previous year.';

CREATE OR REPLACE VIEW labelled_pixel AS
SELECT candidate.sample_id, candidate.region, polygon.class_code, candidate.polygon_id, candidate.tile, candidate.chunk
FROM candidate JOIN polygon USING (polygon_id)
UNION ALL
SELECT sample_id, region, class_code, polygon_id, tile, chunk FROM previous_candidate;
COMMENT ON VIEW labelled_pixel IS 'Candidates of this year and of the previous one, with their class.';
COMMENT ON COLUMN labelled_pixel.sample_id IS 'The pixel; below 0 for one of the previous year.';
COMMENT ON COLUMN labelled_pixel.region IS 'Region.';
COMMENT ON COLUMN labelled_pixel.class_code IS 'Class.';
COMMENT ON COLUMN labelled_pixel.polygon_id IS 'Its polygon.';
COMMENT ON COLUMN labelled_pixel.tile IS 'Tile.';
COMMENT ON COLUMN labelled_pixel.chunk IS 'Chunk of the tile.';

CREATE TABLE IF NOT EXISTS quota (
    run INTEGER, region VARCHAR, class_code INTEGER, sampler VARCHAR, strategy VARCHAR,
    n_available BIGINT, n_required BIGINT, n_drawn BIGINT, rate DOUBLE
);
COMMENT ON TABLE quota IS 'How many pixels of a class each model wants and gets.';
COMMENT ON COLUMN quota.run IS 'Run.';
COMMENT ON COLUMN quota.region IS 'The model: the region''s, or one of several (region_model).';
COMMENT ON COLUMN quota.class_code IS 'Class.';
COMMENT ON COLUMN quota.sampler IS 'random or periodic.';
COMMENT ON COLUMN quota.strategy IS 'smallest, constant, byclass, percent, total or all.';
COMMENT ON COLUMN quota.n_available IS 'Pixels that may learn (learnable_pixel).';
COMMENT ON COLUMN quota.n_required IS 'What the strategy asks for, as it stands.';
COMMENT ON COLUMN quota.n_drawn IS 'What can be drawn: no more than is available.';
COMMENT ON COLUMN quota.rate IS 'n_drawn / n_available.';

CREATE TABLE IF NOT EXISTS selection (run INTEGER, region VARCHAR, sample_id BIGINT);
COMMENT ON TABLE selection IS 'Pixels drawn for learning.';
COMMENT ON COLUMN selection.run IS 'Run.';
COMMENT ON COLUMN selection.region IS 'Model that it is drawn for: the region''s, or one of several (region_model).';
COMMENT ON COLUMN selection.sample_id IS 'The pixel; below 0 for one of the previous year (previous_candidate).';

CREATE TABLE IF NOT EXISTS sample (sample_id BIGINT, feature_group VARCHAR, tile VARCHAR, chunk INTEGER, features FLOAT[]);
COMMENT ON TABLE sample IS 'Features of pixels; a pixel is stored once per group, however many runs use it.';
COMMENT ON COLUMN sample.sample_id IS 'The pixel.';
COMMENT ON COLUMN sample.feature_group IS 'Group of features.';
COMMENT ON COLUMN sample.tile IS 'Tile of the pixel.';
COMMENT ON COLUMN sample.chunk IS 'Chunk of the tile.';
COMMENT ON COLUMN sample.features IS 'Values in the order of table feature (feature_rank).';
