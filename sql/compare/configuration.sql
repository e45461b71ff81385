-- What the folder was last run with.
SELECT section || '.' || key AS key, setting FROM configuration ORDER BY section, key;
