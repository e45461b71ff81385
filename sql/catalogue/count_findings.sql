-- How many findings there are.
SELECT count(*) AS n FROM finding;
