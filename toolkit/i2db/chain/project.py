"""A project: its configuration, its folder, its database, its parts, and the facts that were settled once."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from i2db.chain.names import DATABASE_NAME, FACTS_NAME
from i2db.chain.task import fingerprint
from i2db.config.model import Config
from i2db.errors import ConfigError
from i2db.files import write_whole
from i2db.scene import Scene, build_scene
from i2db.store.database import Database
from i2db.store.parts import PartStore


@dataclass(slots=True)
class Facts:
    """What a project settled the first time and keeps: drawn seed, resolved dates, chunks.

    A fact is kept with the choices it was made under (`basis`); it is made anew when these change, and not when new
    data would have led to another answer: `notes` then says so.
    """

    path: Path
    content: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @classmethod
    def load(cls, folder: Path) -> Facts:
        """The facts of an output folder; none where there is no file yet."""
        path = folder / FACTS_NAME
        try:
            return cls(path, json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return cls(path)
        except json.JSONDecodeError as error:
            raise ConfigError(
                f"{path} cannot be read: {error}",
                hint="it keeps the drawn seed and the resolved dates; restore it, or remove it to settle them anew",
            ) from error

    def settle(self, name: str, basis: Any, answer: Any, *, refresh: bool = False) -> Any:
        """The answer kept under a name, or this one where there is none, its basis changed, or `refresh` is set."""
        known = self.content.get(name)
        key = fingerprint(basis)
        if known is not None and known["basis"] == key and not refresh:
            return known["answer"]
        self.content[name] = {"basis": key, "answer": answer}
        return answer

    def save(self) -> None:
        """Write the file, all or nothing."""
        write_whole(self.path, json.dumps(self.content, indent=1, sort_keys=True))


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
        facts = Facts.load(folder)
        scene = build_scene(config, facts, refresh=refresh)
        path = folder / DATABASE_NAME
        if not read_only:
            folder.mkdir(parents=True, exist_ok=True)
            database = Database.open(path)
        elif path.exists():
            database = Database.open(path, read_only=True)
        else:
            database = Database.in_memory()
            database.create_schema()
        return cls(
            config=config,
            folder=folder,
            database=database,
            parts=PartStore(folder / "parts", lenders, is_read_only=read_only),
            facts=facts,
            scene=scene,
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
