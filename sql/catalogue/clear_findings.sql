-- Forget what a stage found before, as it is about to look again.
DELETE FROM finding WHERE stage = $stage;
