-- Which polygons and classes are not used, or not in full, and why?
SELECT stage, severity, item, message, remedy
FROM finding
WHERE subject IN ('polygon', 'class', 'selection')
ORDER BY stage, item;
