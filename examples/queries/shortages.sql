-- Which classes hold fewer pixels than the strategy asks for?
SELECT quota.run, quota.region, class.class_name, quota.strategy, quota.n_required, quota.n_available, quota.n_drawn
FROM quota JOIN class USING (class_code)
WHERE quota.n_required > quota.n_available
ORDER BY quota.run, quota.region, class.class_rank;
