-- How far confidence and accuracy are apart, per run.
SELECT run, accuracy, confidence, calibration_error, brier_score FROM calibration;
