-- What each stage cost to make what the tables hold, and how many of its parts came from another project.
SELECT stage, count(*) FILTER (outcome = 'done') AS n_tasks, count(*) FILTER (outcome = 'adopted') AS n_adopted,
    sum(wall_seconds) AS wall_seconds, sum(cpu_seconds) AS cpu_seconds, max(peak_megabytes) AS peak_megabytes
FROM (
    SELECT task_run.stage, task_run.unit, arg_max(outcome, task_run.started_at) AS outcome,
        arg_max(wall_seconds, task_run.started_at) AS wall_seconds,
        arg_max(cpu_seconds, task_run.started_at) AS cpu_seconds,
        arg_max(peak_megabytes, task_run.started_at) AS peak_megabytes, max(task_run.started_at) AS started_at
    FROM task_run JOIN publication USING (stage, unit, fingerprint)
    WHERE outcome IN ('done', 'adopted')
    GROUP BY task_run.stage, task_run.unit
)
GROUP BY stage
ORDER BY min(started_at), stage;
