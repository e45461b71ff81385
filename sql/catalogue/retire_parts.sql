-- Forget the registered files of some units of a stage, before their new ones are registered.
DELETE FROM part WHERE stage = $stage AND unit IN (SELECT unnest($units::VARCHAR[]));
