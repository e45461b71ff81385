"""How work is planned and run: stages, tasks, fingerprints, executors. Knows no stage by name."""
