"""What a project settled once and keeps."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from i2db.errors import ConfigError
from i2db.files import write_whole
from i2db.fingerprint import fingerprint

FACTS_NAME = "facts.json"


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
    def load(cls, folder: Path, *others: Path) -> Facts:
        """The facts of an output folder; where it has none yet, those of the first other folder that has.

        Raises:
            ConfigError: the file cannot be read.
        """
        for candidate in (folder, *others):
            path = candidate / FACTS_NAME
            if not path.is_file():
                continue
            try:
                return cls(folder / FACTS_NAME, json.loads(path.read_text(encoding="utf-8")))
            except json.JSONDecodeError as error:
                raise ConfigError(
                    f"{path} cannot be read: {error}",
                    hint="it keeps the drawn seed and the resolved dates; restore it, or remove it to settle them anew",
                ) from error
        return cls(folder / FACTS_NAME)

    def settled(self, name: str, basis: Any) -> Any:
        """The answer kept under a name for this basis; None where there is none."""
        known = self.content.get(name)
        return known["answer"] if known is not None and known["basis"] == fingerprint(basis) else None

    def settle(self, name: str, basis: Any, answer: Any, *, refresh: bool = False) -> Any:
        """The answer kept under a name, or this one where there is none, its basis changed, or `refresh` is set."""
        kept = None if refresh else self.settled(name, basis)
        if kept is not None:
            return kept
        self.content[name] = {"basis": fingerprint(basis), "answer": answer}
        return answer

    def save(self) -> None:
        """Write the file, all or nothing."""
        write_whole(self.path, json.dumps(self.content, indent=1, sort_keys=True))
