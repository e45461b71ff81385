-- What each stage did and how long it took, for the report: of each task the run that made what the tables hold.
SELECT stage, count(*)::INTEGER AS n_run, sum(wall_seconds) AS seconds
FROM (
    SELECT task_run.stage, task_run.unit, arg_max(task_run.wall_seconds, task_run.started_at) AS wall_seconds,
        max(task_run.started_at) AS started_at
    FROM task_run
    JOIN publication USING (stage, unit, fingerprint)
    WHERE task_run.outcome = 'done'
    GROUP BY task_run.stage, task_run.unit
)
GROUP BY stage
ORDER BY min(started_at), stage;
