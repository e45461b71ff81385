-- What each stage did and how long it took, for the report.
SELECT stage, n_tasks::INTEGER AS n_run, 0 AS n_kept, wall_seconds AS seconds FROM stage_cost;
