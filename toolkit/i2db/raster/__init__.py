"""Arrays in, arrays out: grid, reading, gap-filling, features, writing. Knows neither the database nor the chain."""
