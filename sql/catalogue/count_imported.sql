-- How much an import brought.
SELECT (SELECT count(*) FROM class) AS classes, (SELECT count(*) FROM polygon) AS polygons,
    (SELECT count(*) FROM run) AS runs, (SELECT count(*) FROM candidate) AS pixels,
    (SELECT count(*) FROM feature) AS features,
    (SELECT count(DISTINCT run) FROM confusion_count) AS matrices;
