"""Learning and predicting on arrays: fitting, saving, loading. Knows neither the database nor the chain."""
