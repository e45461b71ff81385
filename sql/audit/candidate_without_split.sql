-- Every polygon with candidates has its side in every run.
SELECT run.run, used.polygon_id
FROM run CROSS JOIN (SELECT DISTINCT candidate.polygon_id FROM candidate) AS used
LEFT JOIN polygon_split ON polygon_split.run = run.run AND polygon_split.polygon_id = used.polygon_id
WHERE polygon_split.split IS NULL AND EXISTS (FROM polygon_split);
