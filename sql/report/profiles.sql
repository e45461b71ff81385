-- Median and quartiles of a band per class and date, over the extracted samples.
SELECT class_code, class_name, date, n_samples, lower_quartile, median, upper_quartile
FROM profile($band)
ORDER BY class_code, date;
