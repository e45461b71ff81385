-- How many findings there are of each severity.
SELECT severity, count(*) AS n
FROM finding
GROUP BY severity
ORDER BY CASE severity WHEN 'error' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END, severity;
