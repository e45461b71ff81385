-- How many pixels are drawn, over all runs.
SELECT count(*) AS n FROM selection;
