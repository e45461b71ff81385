"""Land-cover maps from satellite image time series, with everything on the way in a geo-database."""

__version__ = "0.1.0"
