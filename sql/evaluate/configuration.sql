-- The configuration, key by key.
SELECT section, key, setting FROM configuration ORDER BY section, key;
