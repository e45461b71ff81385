-- On which side of the split is each polygon, run by run?
PIVOT (
    SELECT polygon_split.polygon_id, class.class_name, polygon_split.run, polygon_split.split
    FROM polygon_split JOIN class USING (class_code)
)
ON run
USING any_value(split)
ORDER BY class_name, polygon_id;
