"""Products of a sensor in the folder of a tile; whatever looks wrong there is a finding."""

from __future__ import annotations

import datetime
import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from i2db.errors import InputError
from i2db.finding import Finding
from i2db.sensors.calibration import scales_and_offsets
from i2db.sensors.declaration import Sensor
from i2db.sensors.pattern import NamePattern
from i2db.sensors.product import BandFile, MaskFile, Product

#: How much of the start of each file goes into a product's fingerprint, in bytes.
HEAD = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    """What looks like a product: its name, what the name tells, and its files by path relative to `folder`."""

    name: str
    tokens: dict[str, str]
    folder: Path
    files: tuple[str, ...]


def scan(sensor: Sensor, root: Path, tile: str) -> tuple[list[Product], list[Finding]]:
    """Products of a tile under `<root>/<tile>`, by date, time and name, and what is wrong or odd there.

    A sensor without folders of tiles has its products in `root` itself: those whose name tells the tile, or all.

    A product that lacks a file, or has two for one band, is not among the products: it is an error among the
    findings. Images are not opened (`check_readable` does).
    """
    folder = root / tile if sensor.has_tile_folders else root
    if not folder.is_dir() and not sensor.has_tile_folders:
        return [], [_finding(tile, f"{folder} is not a folder", f"check chain.{sensor.path_key}")]
    if not folder.is_dir():
        known = sorted(child.name for child in root.iterdir() if child.is_dir()) if root.is_dir() else []
        remedy = f"tiles there: {', '.join(known[:8])}" if known else f"check {sensor.path_key}"
        return [], [_finding(tile, f"{folder} is not there", remedy)]
    candidates, findings = _candidates(sensor, folder, tile)
    products = []
    for candidate in candidates:
        product, problems = _product(sensor, tile, candidate)
        findings += problems
        if product is not None:
            products.append(product)
    if not candidates and not findings:
        findings.append(
            _finding(
                tile,
                f"{folder} holds no product of {sensor.title}: nothing there is called {sensor.product.text}",
                "add products, mend the pattern or leave the tile out",
            )
        )
    return sorted(products, key=lambda product: (product.date, product.time, product.product)), findings


def _finding(tile: str, message: str, remedy: str, *, subject: str = "tile") -> Finding:
    return Finding(severity="error", subject=subject, item=tile, message=message, remedy=remedy)


def _candidates(sensor: Sensor, folder: Path, tile: str) -> tuple[list[_Candidate], list[Finding]]:
    findings: list[Finding] = []
    found: dict[str, _Candidate] = {}
    for entry in _entries(sensor, folder):
        tokens = sensor.product.match(entry)
        if tokens is None:
            findings += _misfit(sensor, entry, tile)
        elif tokens.get("tile", tile) != tile:
            if sensor.has_tile_folders:
                message = f"is of tile {tokens['tile']} but lies in the folder of {tile}"
                findings.append(
                    Finding(severity="warning", subject="product", item=entry, message=message, remedy="it is not read")
                )
        elif sensor.layout == "folder":
            files = tuple(_files_below(folder / entry))
            found[entry] = _Candidate(name=entry, tokens=tokens, folder=folder / entry, files=files)
        else:
            tokens.pop("band", None)
            name = "_".join([sensor.name, tile, *(tokens[token] for token in sensor.product.tokens if token in tokens)])
            files = (*found[name].files, entry) if name in found else (entry,)
            found[name] = _Candidate(name=name, tokens=tokens, folder=folder, files=files)
    return list(found.values()), findings


def _entries(sensor: Sensor, folder: Path) -> list[str]:
    """Names of what may be products: folders, or files (below the folder, where the pattern says so), in order."""
    if sensor.layout == "files" and "/" in sensor.product.text:
        return [path for path in _files_below(folder) if not path.startswith(".") and "/." not in path]
    is_folder = sensor.layout == "folder"
    names = [entry.name for entry in folder.iterdir() if entry.is_dir() == is_folder]
    return sorted(name for name in names if not name.startswith("."))


def _misfit(sensor: Sensor, entry: str, tile: str) -> list[Finding]:
    """What to say about an entry that is no product: its date cannot be read, or it is something else."""
    tokens = sensor.product_any_date.match(entry)
    if tokens is not None and tokens.get("tile", tile) == tile:
        message = f"its date {tokens['date']!r} is not of the form {sensor.date_format}"
        return [_finding(entry, f"{message} (tile {tile})", "rename or remove it", subject="product")]
    if sensor.layout == "files" or tokens is not None:
        return []
    message = f"in the folder of {tile} does not look like a product of {sensor.title}"
    return [Finding(severity="note", subject="folder", item=entry, message=message, remedy="it is not read")]


def _files_below(folder: Path) -> Iterable[str]:
    """Paths of all files below a folder, relative to it, with `/`, in order."""
    paths = []
    for parent, _, names in os.walk(folder):
        relative = Path(parent).relative_to(folder).as_posix()
        paths += [name if relative == "." else f"{relative}/{name}" for name in names]
    return sorted(paths)


def _product(sensor: Sensor, tile: str, candidate: _Candidate) -> tuple[Product | None, list[Finding]]:
    findings: list[Finding] = []
    tokens = candidate.tokens
    try:
        date = datetime.datetime.strptime(tokens["date"], sensor.date_format).date()
    except ValueError:
        message = f"its date {tokens['date']!r} is not a day of the calendar (tile {tile})"
        return None, [_finding(candidate.name, message, "rename or remove it", subject="product")]

    def one(kind: str, pattern: NamePattern) -> str:
        matches = [file for file in candidate.files if pattern.match(file) is not None]
        if len(matches) == 1:
            return str(candidate.folder / matches[0])
        if matches:
            message = f"two files are {kind}: {matches[0]} and {matches[1]} (tile {tile}, {date})"
            findings.append(_finding(candidate.name, message, "remove the wrong one", subject="product"))
        else:
            message = f"{kind} is missing: no file {pattern.text} (tile {tile}, {date})"
            findings.append(_finding(candidate.name, message, "get the product again or remove it", subject="product"))
        return ""

    band_paths = [one(f"band {band.name}", band.file) for band in sensor.bands]
    mask_paths = [one(f"mask {mask.name}", mask.file) for mask in sensor.masks]
    metadata = one("the metadata", sensor.calibration.file) if sensor.calibration is not None else None
    if findings:
        return None, findings
    try:
        numbers = scales_and_offsets(sensor, metadata)
        paths = [*band_paths, *mask_paths, *([metadata] if metadata else [])]
        fingerprint = _fingerprint(candidate.folder, paths)
    except InputError as error:
        return None, [_finding(candidate.name, error.message, error.hint or "get the product again", subject="product")]
    bands = tuple(
        BandFile(band=band.name, path=path, index=band.index, scale=scale, offset=offset)
        for band, path, (scale, offset) in zip(sensor.bands, band_paths, numbers, strict=True)
    )
    masks = tuple(
        MaskFile(mask=mask.name, path=path, index=mask.index)
        for mask, path in zip(sensor.masks, mask_paths, strict=True)
    )
    product = Product(
        product=candidate.name,
        sensor=sensor.name,
        tile=tile,
        date=date,
        time=tokens.get("time", ""),
        platform=tokens.get("platform", ""),
        orbit=tokens.get("orbit", ""),
        bands=bands,
        masks=masks,
        fingerprint=fingerprint,
    )
    return product, []


def _fingerprint(folder: Path, paths: Sequence[str]) -> str:
    """Hash (BLAKE2b, 16 bytes, hexadecimal) of name, size, time of change and first 4 KB of each file, in order."""
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(set(paths)):
        try:
            status = Path(path).stat()
            with Path(path).open("rb") as stream:
                head = stream.read(HEAD)
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror}", hint="check its permissions") from error
        name = Path(path).relative_to(folder).as_posix()
        digest.update(f"{name}\0{status.st_size}\0{status.st_mtime_ns}\0{len(head)}\0".encode())
        digest.update(head)
    return digest.hexdigest()
