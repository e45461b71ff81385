-- Runs that both projects have.
SELECT run.run FROM run JOIN other.run AS run_now ON run_now.run = run.run ORDER BY run.run;
