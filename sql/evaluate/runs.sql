-- The runs and their random seeds.
SELECT run, random_seed FROM run ORDER BY run;
