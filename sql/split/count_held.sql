-- How many groups are kept aside for the validation of the fused map.
SELECT count(*) AS n FROM held_group;
