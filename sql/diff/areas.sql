-- Mapped area of each class in hectares, and how it changed, per run.
SELECT coalesce(before.run, now.run) AS run, coalesce(class.class_name, class_now.class_name) AS class_name,
    before.mapped_area / 10000 AS hectares_before, now.mapped_area / 10000 AS hectares_now,
    (coalesce(now.mapped_area, 0) - coalesce(before.mapped_area, 0)) / 10000 AS change
FROM class_area AS before
FULL JOIN other.class_area AS now ON now.run = before.run AND now.class_code = before.class_code
LEFT JOIN class ON class.class_code = before.class_code
LEFT JOIN other.class AS class_now ON class_now.class_code = now.class_code
ORDER BY run, coalesce(class.class_rank, class_now.class_rank);
