"""The simulated scene."""

from __future__ import annotations

from scenes import scene

__all__ = ["scene"]
