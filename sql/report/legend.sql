-- The classes with their colours, and what the map of the first run holds of each: hectares and share of all classes.
SELECT class.class_code, class.class_name, class.red, class.green, class.blue,
    class_area.mapped_area / 1e4 AS hectares,
    class_area.mapped_area / nullif((SELECT sum(mapped_area) FROM class_area WHERE run = 0), 0) AS share
FROM class LEFT JOIN class_area ON class_area.class_code = class.class_code AND class_area.run = 0
ORDER BY class.class_rank;
