-- The curve, for the figure.
SELECT run, size, n_samples, overall_accuracy, f_score FROM learning_curve_accuracy;
