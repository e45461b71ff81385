-- What each run was judged by, and how it came out.
SELECT accuracy.run, run.held_out, n_polygons, n_pixels, n_unclassified, n_unknown, overall_accuracy, kappa, f_score
FROM accuracy JOIN run ON run.run = accuracy.run
ORDER BY accuracy.run;
