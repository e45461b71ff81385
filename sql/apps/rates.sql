-- Per class what the strategy asks for, what there is, and the share that is drawn.
SELECT class_code, n_required, n_available, rate
FROM quota
ORDER BY class_code;
