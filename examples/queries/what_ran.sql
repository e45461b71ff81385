-- What ran, why, and how long did it take?
SELECT stage, reason, outcome, count(*) AS n_tasks, sum(wall_seconds) AS wall_seconds,
    max(peak_megabytes) AS peak_megabytes
FROM task_run
GROUP BY ALL
ORDER BY min(started_at), stage, reason;
