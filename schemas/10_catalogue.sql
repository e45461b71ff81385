-- What ran, what it left on disk, what was found on the way.

CREATE TABLE IF NOT EXISTS schema_version (version INTEGER, i2db_version VARCHAR);
COMMENT ON TABLE schema_version IS 'Which schema this database holds; another one is rebuilt from the parts.';
COMMENT ON COLUMN schema_version.version IS 'Number of the schema, raised when a table changes.';
COMMENT ON COLUMN schema_version.i2db_version IS 'Version of i2db that created the database.';

CREATE TABLE IF NOT EXISTS configuration (section VARCHAR, key VARCHAR, setting VARCHAR);
COMMENT ON TABLE configuration IS 'The configuration of the last run, resolved: one row per key.';
COMMENT ON COLUMN configuration.section IS 'Section of the configuration, e.g. arg_train.';
COMMENT ON COLUMN configuration.key IS 'Key within the section, in its present spelling.';
COMMENT ON COLUMN configuration.setting IS 'What it is set to, as JSON text.';

CREATE TABLE IF NOT EXISTS part (
    stage VARCHAR, unit VARCHAR, fingerprint VARCHAR, kind VARCHAR, path VARCHAR,
    n_rows BIGINT, n_bytes BIGINT, checksum VARCHAR
);
COMMENT ON TABLE part IS 'Files that the stages left, as they are registered; they and the configuration are the truth, this database their catalogue.';
COMMENT ON COLUMN part.stage IS 'Stage that made the file.';
COMMENT ON COLUMN part.unit IS 'What the task worked on, e.g. a tile and chunk, or a run and region.';
COMMENT ON COLUMN part.fingerprint IS 'Hash of all that the task depended on.';
COMMENT ON COLUMN part.kind IS 'Which of the files of the task: a table (Parquet), a raster, a model.';
COMMENT ON COLUMN part.path IS 'Path within the output folder.';
COMMENT ON COLUMN part.n_rows IS 'Rows of a table; null for other files.';
COMMENT ON COLUMN part.n_bytes IS 'Size of the file in bytes.';
COMMENT ON COLUMN part.checksum IS 'BLAKE2b hash of the file.';

CREATE TABLE IF NOT EXISTS publication (stage VARCHAR, unit VARCHAR, fingerprint VARCHAR);
COMMENT ON TABLE publication IS 'Which results the tables hold at the moment.';
COMMENT ON COLUMN publication.stage IS 'Stage whose rows were published.';
COMMENT ON COLUMN publication.unit IS 'Unit of the stage.';
COMMENT ON COLUMN publication.fingerprint IS 'Fingerprint of the result that was published.';

CREATE TABLE IF NOT EXISTS task_run (
    stage VARCHAR, unit VARCHAR, fingerprint VARCHAR, reason VARCHAR, outcome VARCHAR, attempt INTEGER,
    started_at TIMESTAMP, wall_seconds DOUBLE, cpu_seconds DOUBLE, peak_megabytes DOUBLE, message VARCHAR
);
COMMENT ON TABLE task_run IS 'Every task that was run: why, how it ended and what it cost.';
COMMENT ON COLUMN task_run.stage IS 'Stage of the task.';
COMMENT ON COLUMN task_run.unit IS 'Unit of the task.';
COMMENT ON COLUMN task_run.fingerprint IS 'Fingerprint of the task.';
COMMENT ON COLUMN task_run.reason IS 'Why it ran: missing, changed, upstream, forced or failed.';
COMMENT ON COLUMN task_run.outcome IS 'done, failed or adopted (its result was there already, from a run that was cut off or from another project).';
COMMENT ON COLUMN task_run.attempt IS 'First or second attempt (a worker that dies is given its task once more, with less memory).';
COMMENT ON COLUMN task_run.started_at IS 'When it started (UTC).';
COMMENT ON COLUMN task_run.wall_seconds IS 'Elapsed time in seconds.';
COMMENT ON COLUMN task_run.cpu_seconds IS 'Processor time in seconds.';
COMMENT ON COLUMN task_run.peak_megabytes IS 'Largest resident memory of the process that ran it, in megabytes.';
COMMENT ON COLUMN task_run.message IS 'The error, where it failed.';

CREATE TABLE IF NOT EXISTS function_run (
    stage VARCHAR, unit VARCHAR, fingerprint VARCHAR, function VARCHAR, started_at TIMESTAMP, n_calls INTEGER,
    seconds DOUBLE, peak_megabytes DOUBLE, kept_megabytes DOUBLE, n_not_finite BIGINT
);
COMMENT ON TABLE function_run IS 'What the functions of the user cost in every task that called them.';
COMMENT ON COLUMN function_run.stage IS 'Stage of the task.';
COMMENT ON COLUMN function_run.unit IS 'Unit of the task.';
COMMENT ON COLUMN function_run.fingerprint IS 'Fingerprint of the task.';
COMMENT ON COLUMN function_run.function IS 'Name of the function.';
COMMENT ON COLUMN function_run.started_at IS 'When the task started (UTC).';
COMMENT ON COLUMN function_run.n_calls IS 'How often it was called: for a window, or for strips of its rows.';
COMMENT ON COLUMN function_run.seconds IS 'Time of all calls, in seconds.';
COMMENT ON COLUMN function_run.peak_megabytes IS 'The most by which a call raised the largest memory that its process ever had, in megabytes.';
COMMENT ON COLUMN function_run.kept_megabytes IS 'Memory that the calls together did not give back, in megabytes: a function that leaks grows here.';
COMMENT ON COLUMN function_run.n_not_finite IS 'Pixels with data for which it gave NaN or infinity: they have no data in the result.';

CREATE TABLE IF NOT EXISTS finding (
    stage VARCHAR, severity VARCHAR, subject VARCHAR, item VARCHAR, message VARCHAR, remedy VARCHAR
);
COMMENT ON TABLE finding IS 'Everything odd about the inputs, and what was done about it.';
COMMENT ON COLUMN finding.stage IS 'Stage that found it.';
COMMENT ON COLUMN finding.severity IS 'error, warning or note.';
COMMENT ON COLUMN finding.subject IS 'Kind of thing: product, polygon, class, tile, region, selection.';
COMMENT ON COLUMN finding.item IS 'Which one: a file, an id, a label.';
COMMENT ON COLUMN finding.message IS 'What is odd.';
COMMENT ON COLUMN finding.remedy IS 'What i2db did, or what to do.';

CREATE TABLE IF NOT EXISTS rejection (sample_id BIGINT, feature_group VARCHAR, tile VARCHAR, chunk INTEGER, reason VARCHAR);
COMMENT ON TABLE rejection IS 'Pixels whose features could not be extracted: selected = extracted + rejected.';
COMMENT ON COLUMN rejection.sample_id IS 'The pixel.';
COMMENT ON COLUMN rejection.feature_group IS 'The group of features that failed.';
COMMENT ON COLUMN rejection.tile IS 'Tile of the pixel.';
COMMENT ON COLUMN rejection.chunk IS 'Chunk of the tile.';
COMMENT ON COLUMN rejection.reason IS 'Why.';

CREATE OR REPLACE MACRO unit(tile, chunk) AS printf('%s-%04d', tile, chunk);
COMMENT ON MACRO unit IS 'Name of a chunk as the unit of a task.';
