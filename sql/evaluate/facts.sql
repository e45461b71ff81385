-- The numbers at the head of the report.
SELECT
    (SELECT count(*) FROM acquisition) AS n_products,
    (SELECT count(DISTINCT date) FROM acquisition) AS n_dates,
    (SELECT min(date) FROM acquisition) AS first_date,
    (SELECT max(date) FROM acquisition) AS last_date,
    (SELECT count(*) FROM feature) AS n_features,
    (SELECT count(*) FROM polygon) AS n_polygons,
    (SELECT count(*) FROM candidate) AS n_candidates,
    (SELECT count(*) FROM finding) AS n_findings;
