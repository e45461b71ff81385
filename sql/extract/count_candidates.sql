-- How many candidates there are.
SELECT count(*) AS n FROM candidate;
