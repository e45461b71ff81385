"""A project: its configuration, its folder, its database, its parts, and the facts that were settled once."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from i2db.chain.names import DATABASE_NAME
from i2db.config.model import Config
from i2db.config.reader import flat
from i2db.facts import Facts
from i2db.files import clean_temporaries
from i2db.fingerprint import fingerprint
from i2db.folds import with_folds
from i2db.scene import Scene, build_scene
from i2db.store.database import Database
from i2db.store.parts import PartStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """All that the coordinator works with."""

    config: Config
    folder: Path
    database: Database
    parts: PartStore
    facts: Facts
    scene: Scene

    @classmethod
    def open(
        cls,
        config: Config,
        folder: Path,
        *,
        lenders: tuple[Path, ...] = (),
        refresh: bool = False,
        read_only: bool = False,
    ) -> Project:
        """Open an output folder for writing, created when it is not there, and look at what there is to work on.

        Args:
            config: the configuration.
            folder: output folder.
            lenders: folders of parts of other projects to borrow from.
            refresh: settle the dates anew from the products there are now.
            read_only: only look, and leave no trace; a project that is not there yet is an empty one.
        """
        # Workers may have another working folder: what they are given is absolute.
        folder = folder.resolve()
        facts = Facts.load(folder, *(lender.resolve().parent for lender in lenders))
        scene = build_scene(config, facts, refresh=refresh)
        config = with_folds(config, scene.tiles)
        path = folder / DATABASE_NAME
        if not read_only:
            folder.mkdir(parents=True, exist_ok=True)
            database = Database.open(path)
            # The lock is ours: what other processes left unfinished is nobody's any more.
            clean_temporaries(folder)
            database.set_projection(scene.grid.crs)
        elif path.exists():
            database = Database.open(path, read_only=True)
        else:
            database = Database.in_memory()
            database.create_schema()
        return cls(
            config=config,
            folder=folder,
            database=database,
            parts=PartStore(folder / "parts", tuple(lender.resolve() for lender in lenders), is_read_only=read_only),
            facts=facts,
            scene=scene,
        )

    @property
    def sensor_names(self) -> tuple[str, ...]:
        """The sensors whose products are read, in the order of their features."""
        return tuple(series.sensor.name for series in self.scene.series)

    def note_configuration(self) -> None:
        """Bring table `configuration` up to date: it is what the folder was last run with, no result of a stage."""
        with self.database.transaction():
            self.database.replace(
                "configuration",
                [{"section": section, "key": key, "setting": setting} for section, key, setting in flat(self.config)],
            )

    @property
    def random_seed(self) -> int:
        """The number that all draws start from: the one configured, or one drawn once and kept."""
        given = self.config.arg_train.random_seed
        drawn = given if given is not None else secrets.randbelow(2**31)
        return int(self.facts.settle("random_seed", given, drawn))

    def published(self, *stages: str) -> str:
        """One fingerprint for what the tables hold of some stages."""
        rows = self.database.rows("catalogue/published", stages=list(stages))
        return fingerprint([[row["stage"], row["unit"], row["fingerprint"]] for row in rows])

    def publications(self, stage: str) -> Mapping[str, str]:
        """Fingerprint per unit of what the tables hold of a stage."""
        rows = self.database.rows("catalogue/published", stages=[stage])
        return {row["unit"]: row["fingerprint"] for row in rows}

    def close(self) -> None:
        """Close the database."""
        self.database.close()
