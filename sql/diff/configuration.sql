-- What the other folder was last run with.
SELECT section || '.' || key AS key, setting FROM other.configuration ORDER BY section, key;
