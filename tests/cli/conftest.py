"""The simulated scene and a clean run on it."""

from __future__ import annotations

from scenes import clean, scene

__all__ = ["clean", "scene"]
