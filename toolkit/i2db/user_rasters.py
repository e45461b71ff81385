"""The user's rasters on disk: which files make each raster of each tile, and whether they cover it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from i2db.errors import InputError
from i2db.finding import Finding, errors, summary
from i2db.fingerprint import file_fingerprint, fingerprint
from i2db.raster.grid import Grid, Window
from i2db.raster.user_raster import Interpolator, RasterGroup, UserRaster, data_bands, open_raster, read_band

if TYPE_CHECKING:
    from i2db.config.model import Config

#: Endings of the files that patterns are matched with: not those that lie beside rasters.
SUFFIXES = frozenset({".tif", ".tiff", ".jp2", ".vrt", ".img", ".asc", ".bil", ".hdr.bil", ".grd", ".nc"})


#: Raised when the same files are read as other numbers.
_READING = 2


def user_rasters(config: Config, grid: Grid, tiles: Mapping[str, Window]) -> dict[str, tuple[UserRaster, ...]]:
    """The rasters of each tile, in the order of their names in the configuration; empty where none is configured.

    Raises:
        InputError: files are missing, ambiguous or unreadable, or do not cover a tile; all problems are listed.
    """
    wanted, findings = _files(config, tiles)
    if problems := errors(findings):
        raise InputError(f"the user's rasters cannot be used:\n{summary(problems)}", hint=_HINT)
    found: dict[str, tuple[UserRaster, ...]] = {}
    known: dict[tuple[str, ...], tuple[int, str]] = {}
    for tile, window in tiles.items():
        rasters = []
        for name, paths in wanted.get(tile, {}).items():
            files = tuple(str(path) for path in paths)
            if files not in known:
                known[files] = _n_bands(name, files), fingerprint([_READING, *map(file_fingerprint, _all_files(paths))])
            n_bands, digest = known[files]
            share = _covered_share(files, grid, window)
            if share < 1:
                findings.append(
                    _problem(tile, name, files, f"covers {100 * share:.1f} % of the tile", "cover all of it")
                )
            interpolator: Interpolator = config.user_feat.interpolators.get(name, "cubic")
            rasters.append(
                UserRaster(name=name, paths=files, n_bands=n_bands, interpolator=interpolator, fingerprint=digest)
            )
        found[tile] = tuple(rasters)
    findings += _unequal(found)
    if problems := errors(findings):
        raise InputError(f"the user's rasters cannot be used:\n{summary(problems)}", hint=_HINT)
    return found


_HINT = "i2db aligns rasters of any projection and pixel size by itself; `i2db dem` makes slope and aspect of a DEM"


def raster_group(rasters: Iterable[Sequence[UserRaster]]) -> RasterGroup | None:
    """The group of features of the rasters, which are the same in every tile; None where there is none."""
    first = next(iter(rasters), ())
    if not first:
        return None
    return RasterGroup(rasters_read=tuple((raster.name, raster.n_bands, raster.interpolator) for raster in first))


def _files(config: Config, tiles: Mapping[str, Window]) -> tuple[dict[str, dict[str, tuple[Path, ...]]], list[Finding]]:
    """Files by tile and name of the raster."""
    findings: list[Finding] = []
    section, root = config.user_feat, config.chain.user_feat_path
    wanted: dict[str, dict[str, tuple[Path, ...]]] = {tile: {} for tile in tiles}
    if root is not None and not root.is_dir():
        remedy = "mend the path, or make the folder: `i2db dem` does"
        findings.append(_problem("all tiles", " ".join(section.patterns), [str(root)], "is no folder", remedy))
    elif root is not None:
        for tile in tiles:
            folder = _tile_folder(root, tile, findings)
            if folder is None:
                continue
            for pattern in section.patterns:
                path = _match(folder, section.arbo, tile, pattern, findings)
                if path is not None:
                    wanted[tile][pattern] = (path,)
    for name, paths in section.files.items():
        missing = [path for path in paths if not path.exists()]
        findings += [_problem("all tiles", name, [str(path)], "does not exist", "mend the path") for path in missing]
        for tile in tiles:
            wanted[tile][name] = paths
    return wanted, findings


def _tile_folder(root: Path, tile: str, findings: list[Finding]) -> Path | None:
    """The one folder whose name holds that of the tile."""
    folders = sorted(folder for folder in root.glob("*") if folder.is_dir() and tile in folder.name)
    exact = [folder for folder in folders if folder.name == tile]
    folders = exact or folders
    if len(folders) == 1:
        return folders[0]
    several = f"has several folders of the tile: {', '.join(folder.name for folder in folders)}"
    message = several if folders else "has no folder of the tile"
    findings.append(_problem(tile, "any", [str(root)], message, "one must have the tile in its name"))
    return None


def _match(folder: Path, arbo: str, tile: str, pattern: str, findings: list[Finding]) -> Path | None:
    """The one file of a tile whose name holds a pattern, `arbo` below the tile's folder."""
    below = arbo.strip("/") or "*"
    files = sorted(
        path
        for path in folder.glob(below)
        if path.is_file() and pattern in path.name and path.suffix.lower() in SUFFIXES
    )
    exact_files = [path for path in files if path.stem == pattern]
    files = exact_files if len(exact_files) == 1 else files
    if len(files) == 1:
        return files[0]
    found = ", ".join(path.name for path in files) or "no raster"
    remedy = (
        "make the pattern longer, or take files away" if files else "add the file, or mend user_feat.patterns or arbo"
    )
    place = str(folder / below)
    findings.append(
        _problem(tile, pattern, [place], f"has {found} with {pattern!r} in its name, where one is wanted", remedy)
    )
    return None


def _problem(tile: str, name: str, files: Sequence[str], message: str, remedy: str) -> Finding:
    return Finding(
        severity="error",
        subject="user raster",
        item=f"{name} of {tile}",
        message=f"{', '.join(files)} {message}",
        remedy=remedy,
    )


def _all_files(paths: Sequence[Path]) -> list[Path]:
    """The files, and the masks that lie beside them."""
    masks = [path.with_name(f"{path.name}.msk") for path in paths]
    return [*paths, *(mask for mask in masks if mask.exists())]


def _n_bands(name: str, files: Sequence[str]) -> int:
    """Number of bands less alpha, which all files of a raster share; whether features can hold them is looked at."""
    counts = {}
    for path in files:
        with open_raster(path) as dataset:
            counts[path] = len(data_bands(dataset))
            _require_real(dataset)
    if len(set(counts.values())) > 1:
        listing = ", ".join(f"{path}: {count}" for path, count in counts.items())
        raise InputError(f"the files of raster {name} have different numbers of bands ({listing})")
    return next(iter(counts.values()))


def _require_real(dataset: Any) -> None:
    """An InputError where features cannot hold a raster's numbers; codes are looked at in three places of the file.

    What lies elsewhere is found when it is read.
    """
    from rasterio.windows import Window as FileWindow

    for index in data_bands(dataset):
        kind = str(dataset.dtypes[index - 1])
        if "complex" in kind:
            raise InputError(
                f"{dataset.name} holds complex numbers", hint="write amplitude, or real and imaginary parts"
            )
        if kind not in ("int32", "uint32", "int64", "uint64"):
            continue
        height, width = dataset.block_shapes[index - 1]
        for share in (0.0, 0.5, 1.0):
            row = int(share * (dataset.height - 1)) // height * height
            column = int(share * (dataset.width - 1)) // width * width
            block = FileWindow(column, row, min(width, dataset.width - column), min(height, dataset.height - row))
            read_band(dataset, index, block)


def _covered_share(files: Sequence[str], grid: Grid, window: Window) -> float:
    """Share of a tile that lies within the files, 1 where what is missing is thinner than a pixel of them."""
    from shapely.geometry import box

    tile = box(*grid.bounds(window))
    covered = _footprint(files, grid)
    inside = covered.intersection(tile).area / tile.area
    reach = max(grid.resolution_x, grid.resolution_y)
    return 1.0 if covered.buffer(reach, join_style="mitre").contains(tile) else float(min(inside, 1.0 - 1e-6))


def _footprint(files: Sequence[str], grid: Grid) -> Any:
    """Union of the files' outlines in the grid's projection."""
    import numpy as np
    import shapely
    from pyproj import Transformer
    from shapely.geometry import box

    outlines = []
    for path in files:
        with open_raster(path) as dataset:
            crs, bounds = dataset.crs, dataset.bounds
        outline = shapely.segmentize(box(*bounds), max(bounds[2] - bounds[0], bounds[3] - bounds[1]) / 21)
        to_grid = Transformer.from_crs(crs, grid.crs, always_xy=True)
        outline = shapely.transform(outline, lambda points, t=to_grid: np.column_stack(t.transform(*points.T)))
        outlines.append(shapely.make_valid(outline))
    return shapely.union_all(outlines)


def _unequal(found: Mapping[str, Sequence[UserRaster]]) -> list[Finding]:
    """Rasters that have other bands in one tile than in the first."""
    tiles = list(found)
    findings = []
    for tile in tiles[1:]:
        for one, other in zip(found[tiles[0]], found[tile], strict=True):
            if one.n_bands != other.n_bands:
                message = f"has {other.n_bands} bands, and {one.n_bands} in tile {tiles[0]}"
                findings.append(_problem(tile, other.name, other.paths, message, "give each tile the same bands"))
    return findings
