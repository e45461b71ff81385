-- The field of the ground truth that holds the labels.
SELECT setting FROM configuration WHERE section = 'chain' AND key = 'data_field';
