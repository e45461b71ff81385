-- The units that groups are mostly in.
SELECT DISTINCT unit FROM group_unit ORDER BY unit;
