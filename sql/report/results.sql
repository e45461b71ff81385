-- Files of the maps with their checksums, and the fingerprint of all that each depends on.
SELECT part.unit, part.n_bytes, part.checksum, part.fingerprint
FROM part JOIN publication USING (stage, unit, fingerprint)
WHERE part.stage = 'mosaic'
ORDER BY part.unit;
