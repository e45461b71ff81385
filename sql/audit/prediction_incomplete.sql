-- Every candidate has one prediction per run, as soon as there are any.
SELECT run.run, candidate.sample_id, count(prediction.sample_id) AS n
FROM run CROSS JOIN candidate
LEFT JOIN prediction ON prediction.run = run.run AND prediction.sample_id = candidate.sample_id
WHERE EXISTS (FROM publication WHERE publication.stage = 'classify')
GROUP BY ALL
HAVING count(prediction.sample_id) <> 1;
