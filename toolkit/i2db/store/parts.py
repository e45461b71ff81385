"""The results of tasks as files, named by the fingerprint of all they depend on.

A part is a set of files `parts/<stage>/<unit>-<fingerprint>.<kind>.<suffix>` and a manifest
`<unit>-<fingerprint>.json`, written last: no manifest, no part. The manifests make the folder self-describing, so that
a run that was cut off goes on from it, another project borrows from it, and the database is made again from it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from i2db.errors import ContractError
from i2db.files import checksum, link, remove, replacing, write_whole


@dataclass(frozen=True, slots=True, kw_only=True)
class PartFile:
    """One file (or folder) of a part: kind, name within the stage's folder, rows of a table, bytes, BLAKE2b hash."""

    kind: str
    name: str
    n_rows: int | None
    n_bytes: int
    checksum: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a task left: its files, and what making them cost."""

    stage: str
    unit: str
    fingerprint: str
    files: tuple[PartFile, ...]
    details: Mapping[str, Any] = field(default_factory=dict)

    def file(self, kind: str) -> PartFile:
        """The file of a kind; a ContractError if there is none."""
        for file in self.files:
            if file.kind == kind:
                return file
        raise ContractError(f"part {self.stage}/{self.unit}-{self.fingerprint} has no file of kind {kind}")

    def has(self, kind: str) -> bool:
        """Whether it has a file of a kind."""
        return any(file.kind == kind for file in self.files)


def _stem(unit: str, fingerprint: str) -> str:
    return f"{unit}-{fingerprint}"


def _manifest_name(unit: str, fingerprint: str) -> str:
    return f"{_stem(unit, fingerprint)}.json"


@dataclass(slots=True)
class PartWriter:
    """Collects the files of one task in its worker, and writes the manifest at the end."""

    root: Path
    stage: str
    unit: str
    fingerprint: str
    _files: list[PartFile] = field(default_factory=list)

    def path(self, kind: str, suffix: str) -> Path:
        """Where a file of the part goes; write it under a temporary name and rename, then `add` it."""
        folder = self.root / self.stage
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{_stem(self.unit, self.fingerprint)}.{kind}{suffix}"

    def add(self, kind: str, path: Path, n_rows: int | None = None) -> None:
        """Take a finished file (or folder) into the part."""
        names = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        n_bytes = sum(p.stat().st_size for p in names)
        digest = checksum(path)
        self._files.append(PartFile(kind=kind, name=path.name, n_rows=n_rows, n_bytes=n_bytes, checksum=digest))

    def table(self, kind: str, table: pa.Table) -> Path:
        """Write an Arrow table as a Parquet file of the part."""
        path = self.path(kind, ".parquet")
        with replacing(path) as temporary:
            pq.write_table(table, temporary, compression="zstd", write_page_checksum=True)
        self.add(kind, path, table.num_rows)
        return path

    def finish(self, **details: Any) -> Part:
        """Write the manifest: from now on the part exists."""
        part = Part(
            stage=self.stage, unit=self.unit, fingerprint=self.fingerprint, files=tuple(self._files), details=details
        )
        manifest = self.root / self.stage / _manifest_name(self.unit, self.fingerprint)
        write_whole(manifest, json.dumps(asdict(part), indent=1, sort_keys=True))
        return part


@dataclass(frozen=True, slots=True)
class PartStore:
    """The parts of a project, and those of others it may borrow from."""

    root: Path
    lenders: tuple[Path, ...] = ()
    is_read_only: bool = False

    def path_of(self, part: Part, kind: str) -> Path:
        """The path of a part's file; for a store that only looks it may be a lender's."""
        name = part.file(kind).name
        for root in (self.root, *(self.lenders if self.is_read_only else ())):
            if (root / part.stage / name).exists():
                return root / part.stage / name
        return self.root / part.stage / name

    def find(self, stage: str, unit: str, fingerprint: str) -> Part | None:
        """The part of a task if it is here, or can be borrowed (by a hard link where the disk allows).

        A damaged part of a lender is not borrowed; a store that only looks does not read it, and may take it for whole.
        """
        part = _read_manifest(self.root, stage, unit, fingerprint)
        if part is not None:
            return part
        for lender in self.lenders:
            part = _read_manifest(lender, stage, unit, fingerprint)
            if part is not None and (self.is_read_only or self._borrow(lender, part)):
                return part
        return None

    def verify(self, part: Part, kind: str) -> Path:
        """The path of a part's file, after its checksum was found right.

        Raises:
            ContractError: it has changed since it was written; manifest and files of the part are removed, so that the
                next run makes it again.
        """
        path = self.path_of(part, kind)
        if _is_sound(path, part.file(kind)):
            return path
        if not self.is_read_only:
            # The manifest first: without it the files are nobody's.
            for name in (_manifest_name(part.unit, part.fingerprint), *(file.name for file in part.files)):
                remove(self.root / part.stage / name)
        raise ContractError(
            f"{path} is damaged: its checksum is not the one it was written with",
            hint="run again: the part is made anew",
        )

    def _borrow(self, lender: Path, part: Part) -> bool:
        """Link a lender's part into this store, unless one of its files is damaged; whether that was done."""
        source, target = lender / part.stage, self.root / part.stage
        if not all(_is_sound(source / file.name, file) for file in part.files):
            return False
        for name in (*(file.name for file in part.files), _manifest_name(part.unit, part.fingerprint)):
            link(source / name, target / name)
        return True


def _is_sound(path: Path, file: PartFile) -> bool:
    """Whether a part's file lies at a path as it was written."""
    return path.exists() and checksum(path) == file.checksum


def _read_manifest(root: Path, stage: str, unit: str, fingerprint: str) -> Part | None:
    """The part a manifest tells of, if its files are there in their full size."""
    path = root / stage / _manifest_name(unit, fingerprint)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    files = tuple(PartFile(**file) for file in content.pop("files"))
    for file in files:
        data = root / stage / file.name
        if not data.exists():
            return None
        if data.is_file() and data.stat().st_size != file.n_bytes:
            return None
    return Part(files=files, **content)
