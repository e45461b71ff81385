-- What the confidence of the models is.
SELECT string_agg(DISTINCT confidence_kind, ' or ' ORDER BY confidence_kind) AS confidence_kind FROM model;
