"""Scale and offset of a product's bands, as declared or from the product's metadata (XML)."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from i2db.errors import ConfigError, InputError
from i2db.sensors.declaration import Calibration, Sensor

#: Reflectances are kept times this.
REFLECTANCE_FACTOR = 10_000.0


def scales_and_offsets(sensor: Sensor, metadata: str | None) -> list[tuple[float, float]]:
    """(scale, offset) per band of the sensor: reflectance x 10000 = number * scale + offset.

    Where the declaration has a calibration, `metadata` is the path of the XML file that it speaks of.

    Raises:
        InputError: the metadata cannot be read, or lacks a number that the declaration asks for.
    """
    if sensor.calibration is None or metadata is None:
        return [(band.scale, band.offset) for band in sensor.bands]
    try:
        root = ElementTree.parse(metadata).getroot()
    except (OSError, ElementTree.ParseError) as error:
        raise InputError(f"{metadata} cannot be read: {error}", hint="get the product again") from error
    return [_of_band(sensor.calibration, root, band.metadata_id, metadata) for band in sensor.bands]


def _of_band(calibration: Calibration, root: ElementTree.Element, band: str, metadata: str) -> tuple[float, float]:
    found = (_number(root, path.replace("{band}", band), metadata) for path in calibration.divide_by)
    divisor = next((number for number in found if number is not None), None)
    if not divisor:
        wanted = " or ".join(calibration.divide_by)
        raise InputError(f"{metadata} has no {wanted}, or it is 0", hint="get the product again")
    added = None if calibration.add is None else _number(root, calibration.add.replace("{band}", band), metadata)
    if added is None:
        _check_version(calibration, root, band, metadata)
        added = calibration.add_missing
    scale = REFLECTANCE_FACTOR / divisor
    return scale, scale * added


def _check_version(calibration: Calibration, root: ElementTree.Element, band: str, metadata: str) -> None:
    """Refuse metadata without an offset whose version must have one: the reflectances would be wrong, unseen."""
    if calibration.version is None or calibration.add_since is None:
        return
    version = _number(root, calibration.version, metadata)
    if version is not None and version >= calibration.add_since:
        raise InputError(
            f"{metadata} is of version {version:05.2f}, in which every band has an offset, and band {band} has none",
            hint="get the product again",
        )


def _number(root: ElementTree.Element, path: str, metadata: str) -> float | None:
    try:
        text = root.findtext(path)
    except SyntaxError as error:
        raise ConfigError(f"the calibration's path {path!r} is not one that ElementTree understands") from error
    if text is None:
        return None
    try:
        return float(text)
    except ValueError as error:
        raise InputError(f"{metadata}: {path} is {text!r}, not a number") from error
