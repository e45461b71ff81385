"""OTB's applications, chained lazily: parameters by OTB's names, images that are made when they are read."""

from __future__ import annotations

from i2db.apps.application import APPLICATIONS, Application, create, find_application
from i2db.apps.image import ArrayImage, FileImage, Image

__all__ = ["APPLICATIONS", "Application", "ArrayImage", "FileImage", "Image", "create", "find_application"]
