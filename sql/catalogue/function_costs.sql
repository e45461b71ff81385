-- What each function of the user cost, over all stages that called it, the dearest first; share is that of these stages' time.
WITH task AS (
    SELECT task_run.stage, task_run.unit, arg_max(task_run.wall_seconds, task_run.started_at) AS seconds
    FROM task_run
    JOIN publication USING (stage, unit, fingerprint)
    WHERE task_run.outcome = 'done'
    GROUP BY task_run.stage, task_run.unit
), stage_time AS (
    SELECT stage, sum(seconds) AS seconds FROM task GROUP BY stage
)
SELECT
    function_cost.function, sum(function_cost.n_calls)::BIGINT AS n_calls, sum(function_cost.seconds) AS seconds,
    sum(function_cost.seconds) / nullif(sum(stage_time.seconds), 0) AS share,
    max(function_cost.peak_megabytes) AS peak_megabytes, sum(function_cost.kept_megabytes) AS kept_megabytes,
    sum(function_cost.n_not_finite)::BIGINT AS n_not_finite
FROM function_cost
LEFT JOIN stage_time USING (stage)
GROUP BY function_cost.function
ORDER BY seconds DESC, function_cost.function;
