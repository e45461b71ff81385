-- The confusion of all runs with classes regrouped; a class that is in no group stays itself.
WITH grouping_of AS (
    SELECT unnest($groups::STRUCT(class_code INTEGER, group_code INTEGER)[], recursive := true)
)
SELECT confusion.run, coalesce(reference.group_code, confusion.reference_code) AS reference_code,
    coalesce(predicted.group_code, confusion.predicted_code) AS predicted_code, sum(n_pixels)::BIGINT AS n_pixels
FROM confusion
LEFT JOIN grouping_of AS reference ON reference.class_code = confusion.reference_code
LEFT JOIN grouping_of AS predicted ON predicted.class_code = confusion.predicted_code
GROUP BY ALL
ORDER BY ALL;
