"""The previous year's project: the samples of annual classes that this year's models learn (arg_train.crop_mix)."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from i2db.chain.names import DATABASE_NAME
from i2db.config.reader import load
from i2db.errors import ConfigError, InputError, StageError
from i2db.fingerprint import fingerprint
from i2db.raster.grid import Grid
from i2db.stages.samples import read_samples
from i2db.stages.slices import slices_by
from i2db.store.database import Database
from i2db.store.parts import PartStore

if TYPE_CHECKING:
    from i2db.chain.project import Project
    from i2db.config.model import Config

#: What comes before the names of the previous year's tiles.
PREFIX = "previous_"

#: Stages of the previous project whose tables are read.
_STAGES = ("catalogue", "candidate", "extract")


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviousChunk:
    """Samples of one chunk of the previous project, as one group of this year's features.

    Attributes:
        tile, number: of the chunk there; the tile with `PREFIX`.
        sample_ids: (n,) ascending, below 0: -1 minus the id there.
        files: the files of its samples, one per group of features there that is read.
        columns: per feature the place of its file, and of its number in the arrays of the file.
    """

    tile: str
    number: int
    sample_ids: NDArray[np.int64]
    files: tuple[str, ...]
    columns: tuple[tuple[int, int], ...]

    def features(self) -> NDArray[np.float32]:
        """The features of its samples, (n, n_features) float32."""
        ids = (-1 - self.sample_ids)[::-1]
        arrays = [read_samples([path], ids)[::-1] for path in self.files]
        return np.column_stack([arrays[place][:, column] for place, column in self.columns])


def previous_folder(config: Config) -> Path:
    """The output folder of the previous year's project.

    Raises:
        ConfigError: there is none, its configuration cannot be read, or it is this year's own.
    """
    train = config.arg_train
    given = train.prev_features
    assert given is not None
    if given.is_dir():
        folder = given
    elif not given.is_file():
        raise ConfigError(
            f"arg_train.prev_features {given} does not exist",
            hint="give the output folder or the configuration of the previous year's project",
        )
    else:
        folder = train.output_prev_features or load(given).config.chain.output_path
    if folder.resolve() == config.chain.output_path.resolve():
        raise ConfigError(
            f"arg_train.prev_features leads to {folder}, which is this year's own output folder (chain.output_path)",
            hint="give the project of the previous year",
        )
    if not (folder / DATABASE_NAME).is_file():
        raise ConfigError(
            f"arg_train.prev_features: there is no project in {folder}",
            hint="run the previous year's configuration first, up to its samples (--set chain.last_step=sampling)",
        )
    return folder


def open_previous(config: Config) -> Database:
    """The database of the previous year's project, to read; errors are those of `previous_folder` and of opening."""
    return Database.open(previous_folder(config) / DATABASE_NAME, read_only=True)


def previous_state(config: Config) -> str | None:
    """A fingerprint of what the previous project's tables hold; None without crop_mix."""
    if not config.arg_train.crop_mix:
        return None
    with open_previous(config) as previous:
        rows = previous.rows("catalogue/published", stages=list(_STAGES))
    return fingerprint([[row["stage"], row["unit"], row["fingerprint"]] for row in rows])


def annual_rows(config: Config, known: Mapping[int, str]) -> list[dict[str, Any]]:
    """Rows of table `annual_class`; `known` are the names of the nomenclature by code.

    Raises:
        InputError: an annual class is not in the nomenclature, or the label that replaces them is another class's.
    """
    train = config.arg_train
    if not train.crop_mix or not known:
        return []
    for code in train.annual_crop:
        if code not in known:
            listed = ", ".join(f"{name} ({number})" for number, name in list(known.items())[:20])
            raise InputError(
                f"arg_train.annual_crop: class {code} is not in {config.chain.nomenclature_path}",
                hint=f"the nomenclature has {listed}",
            )
    label, name = train.a_crop_label_replacement or (None, None)
    others = {number: one for number, one in known.items() if number not in train.annual_crop}
    taken = next((pair for pair in others.items() if label == pair[0] or name == pair[1]), None)
    if taken is not None:
        raise InputError(
            f"arg_train.a_crop_label_replacement is {label} ({name}), and the nomenclature has {taken[0]} ({taken[1]})",
            hint="choose a label and a name that no class has, or [] to keep the annual classes apart",
        )
    return [{"class_code": one, "merged_code": label, "merged_name": name} for one in train.annual_crop]


def check_previous(config: Config, grid: Grid, regions: Sequence[str], features: Sequence[Mapping[str, Any]]) -> None:
    """Hold the previous project against this year's.

    Args:
        config: this year's configuration.
        grid: this year's.
        regions: this year's regions.
        features: rows of this year's table `feature`, in order.

    Raises:
        InputError: pixels, regions, classes or features of the previous project do not go with this year's.
    """
    where = f"arg_train.prev_features {previous_folder(config)}"
    codes = list(config.arg_train.annual_crop)
    with open_previous(config) as previous:
        theirs = previous.rows("previous/grid")
        found = {row["class_code"]: row["n_pixels"] for row in previous.rows("previous/classes")}
        strange = {row["region"] for row in previous.rows("previous/regions", class_codes=codes)} - set(regions)
        their_features = previous.rows("previous/features")
    if not theirs or Grid(**theirs[0]) != grid:
        shown = str(Grid(**theirs[0])) if theirs else "nothing yet"
        raise InputError(
            f"{where} has {shown}; this year's are {grid}",
            hint="both years need the same chain.proj, chain.spatial_resolution and chain.grid_origin",
        )
    for code in codes:
        if not found.get(code):
            raise InputError(
                f"{where} has no sample of annual class {code} (arg_train.annual_crop)",
                hint="it has samples of " + (", ".join(str(one) for one, n in found.items() if n) or "no class"),
            )
    if strange:
        raise InputError(
            f"{where} has regions that this year has not: {', '.join(sorted(strange))}",
            hint=f"this year's are {', '.join(regions)}: both years need the same chain.region_path",
        )
    match_features(features, their_features, where)


def match_features(
    ours: Sequence[Mapping[str, Any]], theirs: Sequence[Mapping[str, Any]], where: str
) -> list[tuple[str, int]]:
    """For each of this year's features the (group, place in its array) of the previous year's.

    Features are matched by their order in time within sensor and band.

    Args:
        ours, theirs: rows of table `feature` in its order: feature_group, feature_rank, sensor, band, date.
        where: what the previous project is called in messages.

    Raises:
        InputError: a sensor and band has another number of features there.
    """
    of_ours, of_theirs = _series(ours), _series(theirs)
    wrong = [
        f"{sensor} {band}: {len(of_theirs.get((sensor, band), []))} there, {len(of_ours.get((sensor, band), []))} here"
        for sensor, band in sorted({*of_ours, *of_theirs})
        if len(of_theirs.get((sensor, band), [])) != len(of_ours.get((sensor, band), []))
    ]
    if wrong:
        more = f" and {len(wrong) - 4} more" if len(wrong) > 4 else ""
        raise InputError(
            f"{where} has other features than this year: {'; '.join(wrong[:4])}{more}",
            hint="both years need the same sensors, bands, indices and number of dates: see arg_train.features, and "
            "start_date, end_date and temporal_resolution of the sensor, with "
            "sensors_data_interpolation.auto_date False",
        )
    places: dict[int, tuple[str, int]] = {}
    for key, indices in of_ours.items():
        for index, other in zip(indices, of_theirs[key], strict=True):
            places[index] = (theirs[other]["feature_group"], int(theirs[other]["feature_rank"]) - 1)
    return [places[index] for index in range(len(ours))]


def _series(features: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], list[int]]:
    """Indices of features by sensor and band, in the order of their dates."""
    series: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index, row in enumerate(features):
        series[row["sensor"], row["band"]].append(index)
    for indices in series.values():
        indices.sort(key=lambda index: (features[index]["date"] or datetime.date.min, index))
    return series


def load_candidates(project: Project) -> None:
    """Fill `previous_candidate` from the previous project; empty without crop_mix."""
    train, database = project.config.arg_train, project.database
    if not train.crop_mix:
        database.replace("previous_candidate", [])
        return
    with open_previous(project.config) as previous:
        rows = previous.arrow("previous/candidates", class_codes=list(train.annual_crop))
    database.replace("previous_candidate", rows)


def previous_chunks(
    project: Project, features: Sequence[Mapping[str, Any]]
) -> list[tuple[str, PreviousChunk, list[Any]]]:
    """(group, chunk, what its features depend on) for the samples of the previous year that any run has drawn.

    Args:
        project: this year's.
        features: rows of its table `feature`, in order.

    Raises:
        StageError: the previous project lacks a file.
        InputError: its features are not this year's.
    """
    drawn = project.database.arrow("previous/drawn")
    if drawn.num_rows == 0:
        return []
    folder = previous_folder(project.config)
    with open_previous(project.config) as previous:
        theirs = previous.rows("previous/features")
        published = {
            row["unit"]: row["fingerprint"] for row in previous.rows("catalogue/published", stages=["extract"])
        }
    places = match_features(features, theirs, f"arg_train.prev_features {folder}")
    of_group: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for row, place in zip(features, places, strict=True):
        of_group[row["feature_group"]].append(place)
    parts = PartStore(folder.resolve() / "parts", is_read_only=True)
    ids = drawn["sample_id"].to_numpy()
    found: list[tuple[str, PreviousChunk, list[Any]]] = []
    for (tile, number), rows in slices_by(drawn, "tile", "chunk"):
        for group, of_features in of_group.items():
            groups = list(dict.fromkeys(name for name, _ in of_features))
            units = [f"{name}-{tile.removeprefix(PREFIX)}-{number:04d}" for name in groups]
            chunk = PreviousChunk(
                tile=tile,
                number=number,
                sample_ids=ids[rows],
                files=tuple(_sample_file(parts, unit, published) for unit in units),
                columns=tuple((groups.index(name), column) for name, column in of_features),
            )
            identity = [
                [published[unit] for unit in units],
                chunk.columns,
                fingerprint(chunk.sample_ids.tobytes().hex()),
            ]
            found.append((group, chunk, identity))
    return found


def _sample_file(parts: PartStore, unit: str, published: Mapping[str, str]) -> str:
    part = parts.find("extract", unit, published[unit]) if unit in published else None
    if part is None:
        raise StageError(
            f"the samples of {unit} are missing from the previous year's project in {parts.root.parent}",
            hint="run that project again: they are made anew",
        )
    return str(parts.path_of(part, "sample"))
