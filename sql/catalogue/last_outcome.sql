-- Units of a stage whose last attempt failed.
SELECT unit
FROM task_run
WHERE stage = $stage
GROUP BY unit
HAVING arg_max(outcome, started_at) = 'failed';
