-- The models, with where they lie.
SELECT run, region, kind, path, checksum FROM model ORDER BY run, region, kind;
