"""Names of what lies in an output folder."""

#: The catalogue: made again from the parts by `i2db rebuild`.
DATABASE_NAME = "i2db.duckdb"

#: The configuration the folder was made with.
CONFIG_NAME = "config.toml"
