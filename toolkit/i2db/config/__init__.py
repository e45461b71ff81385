"""The configuration: iota2's .cfg files as they are, or the same in TOML."""

from i2db.config.model import Config
from i2db.config.reader import Loaded, canonical, flat, load

__all__ = ["Config", "Loaded", "canonical", "flat", "load"]
