"""Files that are there whole or not at all: temporary name, sync, rename; and the checksums that prove it later."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from i2db.errors import ConfigError, ContractError, DiskFullError

#: What the name of an unfinished file or folder starts with; the dot keeps it out of globs and file managers.
TEMPORARY_PREFIX = ".tmp-"

_READ_BYTES = 1 << 20
_DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; what is written there takes the place of `path` when the block ends well.

    The block may create a file or a folder at the temporary path (which keeps the suffix of `path`). On success it is
    synced to the disk and renamed, so that a crash leaves the old content or the new one, never a part of it. Files
    that a driver puts beside it under the same name and a longer suffix move along. On any error everything temporary
    is removed and the old content stays.

    Raises:
        ConfigError: the folder cannot be made or written to.
        StageError: the disk, or the user's quota, is full.
        ContractError: the block ended without writing anything.
    """
    path = Path(path)
    make_folder(path.parent)
    temporary = path.parent / f"{TEMPORARY_PREFIX}{uuid.uuid4().hex[:12]}-{path.name[-180:]}"
    try:
        yield temporary
        if not temporary.exists():
            raise ContractError(f"nothing was written for {path}")
        _sync_tree(temporary)
        for companion in _companions(temporary):
            _sync_tree(companion)
            companion.replace(path.parent / (path.name + companion.name.removeprefix(temporary.name)))
        _put_in_place(temporary, path)
    except OSError as error:
        if error.errno in _DISK_FULL:
            raise disk_full(path, str(error)) from error
        raise
    finally:
        for leftover in (temporary, *_companions(temporary)):
            remove(leftover)


def check_writable(folder: Path) -> None:
    """Refuse a folder that files cannot be written to; one that is not there yet is not made.

    Raises:
        ConfigError: it, or the folder above that would hold it, is a file or may not be written to.
    """
    folder = folder.absolute()
    # Unlike Path.exists, os.path.exists answers where a folder above may not be entered.
    there = next(each for each in (folder, *folder.parents) if os.path.exists(each))  # noqa: PTH110
    hint = "give another place for the output"
    if not there.is_dir():
        raise ConfigError(f"{there} is a file: nothing can be written into it", hint=hint)
    if not os.access(there, os.W_OK | os.X_OK):
        raise ConfigError(f"the folder {there} may not be written to", hint=hint)


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, unless they are there.

    Raises:
        ConfigError: it cannot be made or written to.
        StageError: the disk, or the user's quota, is full.
    """
    check_writable(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if error.errno in _DISK_FULL:
            raise disk_full(folder, str(error)) from error
        raise ConfigError(f"the folder {folder} cannot be made: {error.strerror}") from error


def write_whole(path: Path, content: bytes | str) -> None:
    """Write a small file (text as UTF-8), whole or not at all; errors are those of `replacing`."""
    with replacing(path) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


def link(source: Path, target: Path) -> None:
    """Give a file, or the files of a folder one by one, a second name (a hard link), in the place of an older `target`.

    Where the disk refuses (another disk, no hard links there) the content is copied. The target is replaced as a
    whole; errors are those of `replacing`.
    """
    with replacing(target) as temporary:
        _link_tree(source, temporary)


def remove(path: Path) -> None:
    """Remove a file or a folder with all that is in it; one that is not there, or is gone meanwhile, is no matter."""
    if path.is_dir() and not path.is_symlink():
        with suppress(FileNotFoundError):
            shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def disk_full(path: Path, reason: str) -> DiskFullError:
    """The error that says which file could not be written, why, and how much room is left on its disk."""
    path = path.with_name(re.sub(rf"^({re.escape(TEMPORARY_PREFIX)}[0-9a-f]+-)+", "", path.name))
    try:
        free = f"{shutil.disk_usage(path.parent).free / 1e9:.2f} GB free"
    except OSError:
        free = "free space unknown"
    return DiskFullError(
        f"could not write {path}: {reason} ({free} on its disk)",
        hint="make room or give another output folder, then run again: finished parts are kept",
    )


def checksum(path: Path) -> str:
    """BLAKE2b hash (16 bytes, as 32 hexadecimal digits) of a file; of a folder, of the names and contents of its files.

    Files are read in pieces of 1 MiB, so memory does not grow with their size.
    """
    digest = hashlib.blake2b(digest_size=16)
    if path.is_dir():
        for child in sorted(child for child in path.rglob("*") if child.is_file()):
            name = child.relative_to(path).as_posix().encode()
            digest.update(len(name).to_bytes(8, "big") + name + child.stat().st_size.to_bytes(8, "big"))
            _add_file(digest, child)
    else:
        _add_file(digest, path)
    return digest.hexdigest()


def clean_temporaries(folder: Path) -> int:
    """Remove what killed processes left unfinished in a folder and below; how many files or folders that was.

    Call it only when no other process writes there.
    """
    found = list(folder.rglob(f"{TEMPORARY_PREFIX}*")) if folder.is_dir() else []
    outermost = [path for path in found if not any(parent in found for parent in path.parents)]
    for path in outermost:
        remove(path)
    return len(outermost)


def _add_file(digest: hashlib.blake2b, path: Path) -> None:
    with path.open("rb") as stream:
        while block := stream.read(_READ_BYTES):
            digest.update(block)


def _link_tree(source: Path, target: Path) -> None:
    if source.is_dir():
        target.mkdir()
        for child in sorted(source.iterdir()):
            _link_tree(child, target / child.name)
        return
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _companions(path: Path) -> list[Path]:
    """Files that a driver wrote beside a file, such as `name.tif.aux.xml` beside `name.tif`."""
    return sorted(other for other in path.parent.iterdir() if other.name.startswith(f"{path.name}."))


def _sync_tree(path: Path) -> None:
    """Have the disk hold a file, or a folder with all that is in it."""
    if path.is_dir():
        for child in sorted(path.iterdir()):
            _sync_tree(child)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _put_in_place(temporary: Path, path: Path) -> None:
    """Rename over the old file; an old folder steps aside first, because a folder cannot be renamed over another."""
    aside = path.parent / f"{TEMPORARY_PREFIX}{uuid.uuid4().hex[:12]}-old"
    if path.is_dir() and not path.is_symlink():
        path.rename(aside)
    temporary.replace(path)
    _sync_folder(path.parent)
    remove(aside)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
