"""A believable Theia tree made from nothing: landscape, seasons, clouds, masks, ground truth and a configuration."""

from i2db.simulate.scene import Scene, simulate

__all__ = ["Scene", "simulate"]
