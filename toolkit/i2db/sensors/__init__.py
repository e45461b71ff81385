"""Products on disk -> acquisitions, as schemas/sensors/*.toml declares them."""
