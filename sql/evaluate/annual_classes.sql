-- Which classes are merged, and into which label.
SELECT class_code, merged_code FROM annual_class WHERE merged_code IS NOT NULL ORDER BY class_code;
