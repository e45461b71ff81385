-- Precision of the classes that a run's map gives its validation pixels.
SELECT class_code, precision FROM class_accuracy WHERE run = $run AND precision IS NOT NULL ORDER BY class_code;
