-- Whether the accuracy of the maps was computed.
SELECT count(*) > 0 AS is_evaluated FROM publication WHERE stage = 'evaluate';
