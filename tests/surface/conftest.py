"""The simulated scene and a clean run on it, to ask, compare and trace."""

from __future__ import annotations

from scenes import clean, scene

__all__ = ["clean", "scene"]
