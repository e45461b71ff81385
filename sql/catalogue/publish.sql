-- Note what the tables hold from now on: some units of a stage replaced, some gone.
DELETE FROM publication WHERE stage = $stage AND unit IN (SELECT unnest($gone::VARCHAR[]));
INSERT INTO publication BY NAME
SELECT $stage AS stage, unnest($units::VARCHAR[]) AS unit, unnest($fingerprints::VARCHAR[]) AS fingerprint;
