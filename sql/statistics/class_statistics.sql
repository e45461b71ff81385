-- Learning samples per run, region and class, as iota2's class_statistics.csv counts them.
SELECT class_statistics.run, region.region, region.region_rank, class.class_name, class.class_code,
    class_statistics.n_learn
FROM class_statistics
JOIN class USING (class_code)
JOIN region USING (region)
ORDER BY class_statistics.run, class.class_rank, region.region_rank;
