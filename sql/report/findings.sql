-- Findings, the gravest first.
SELECT stage, severity, subject, item, message, remedy
FROM finding
ORDER BY CASE severity WHEN 'error' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END, stage, subject, item, message
LIMIT $n_findings;
