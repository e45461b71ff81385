"""Modules of functions: loaded from a file, known by a hash of their code and of the files beside them they import."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any

from i2db.errors import InputError

#: The module that is looked in where none is configured (iota2's external_code.py), and after the user's own.
BUNDLED = Path(__file__).with_name("external_code.py")
#: The files beside it that its functions are in.
_PARTS = ("indices.py", "series.py")


@dataclass(frozen=True, slots=True)
class Module:
    """A module that was loaded: its file, the hash of all code of the user's it is made of, its functions by name."""

    path: Path
    digest: str
    functions: Mapping[str, Callable[..., Any]]


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A module with all that it was made of: its text, and what tells the files it imports from beside it apart."""

    module: Module
    source: bytes
    beside: Mapping[Path, tuple[int, int] | None]


#: By path.
_LOADED: dict[Path, _Loaded] = {}


def load_module(path: Path) -> Module:
    """The module in a file; loaded once per process, again where its code has changed.

    Raises:
        InputError: the file does not exist, or it cannot be imported; file and line are named.
    """
    path = path.absolute()
    try:
        source = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"external_features.module {path} cannot be read: {error.strerror}",
            hint="it names a Python file with functions f(self) -> (array, labels)",
        ) from error
    known = _LOADED.get(path)
    # Asked at every call of a function: only what the module imports is looked at, whatever else lies in its folder.
    if known is None or known.source != source or known.beside != {other: _state(other) for other in known.beside}:
        known = _LOADED[path] = _load(path, source)
    return known.module


def _state(path: Path) -> tuple[int, int] | None:
    """Size and time of change (ns) of a file; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _load(path: Path, source: bytes) -> _Loaded:
    name = f"i2db_functions_{hashlib.blake2b(str(path).encode() + source, digest_size=8).hexdigest()}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise InputError(f"external_features.module {path} is no Python file (its name must end in .py)")
    module = importlib.util.module_from_spec(spec)
    before = set(sys.modules)
    sys.path.insert(0, str(path.parent))
    importlib.invalidate_caches()
    written = sys.dont_write_bytecode
    # A file that is edited twice in a second would else be taken from the cache of its first version.
    sys.dont_write_bytecode = True
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise InputError(
            f"external_features.module cannot be imported: {told(error, path)}", hint=_hint(error)
        ) from error
    finally:
        sys.dont_write_bytecode = written
        sys.path.remove(str(path.parent))
        sys.modules.pop(name, None)
        beside = _beside(path, before)
        for other in beside:
            # Another module may have a neighbour of the same name; this one keeps its own.
            del sys.modules[other]
    digest = hashlib.blake2b(source, digest_size=16)
    if path == BUNDLED:
        beside = {part: path.with_name(part) for part in _PARTS}
    for other, content in sorted((other, file.read_bytes()) for other, file in beside.items()):
        digest.update(other.encode() + content)
    functions = {
        key: found
        for key, found in vars(module).items()
        if callable(found) and not key.startswith("_") and not isinstance(found, type)
    }
    module_of = Module(path, digest.hexdigest(), functions)
    return _Loaded(module_of, source, {file: _state(file) for file in beside.values()})


def _beside(path: Path, before: set[str]) -> dict[str, Path]:
    """Modules that were imported since from the module's folder; not those of an environment that lies below it."""
    found = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None) if isinstance(module, ModuleType) else None
        if name in before or file is None or path == BUNDLED:
            continue
        first = path.parent / name.partition(".")[0]
        if Path(file).parent == path.parent or Path(file).is_relative_to(first):
            found[name] = Path(file)
    return found


def _hint(error: BaseException) -> str | None:
    if isinstance(error, ModuleNotFoundError) and (error.name or "").split(".")[0] == "iota2":
        return "labels come from i2db: `from i2db.external import I2Label, I2TemporalLabel`"
    if isinstance(error, ModuleNotFoundError):
        return f"install {error.name}, or put {error.name}.py beside the module"
    return None


def told(error: BaseException, path: Path) -> str:
    """An error of a user's code in one line: file, line, kind and message."""
    if isinstance(error, SyntaxError):
        return f"{error.filename}:{error.lineno}: {type(error).__name__}: {error.msg}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == path]
    place = f"{path}:{frames[-1].lineno}" if frames else str(path)
    message = error.message if isinstance(error, InputError) else str(error)
    kind = "" if isinstance(error, InputError) else f"{type(error).__name__}: "
    return f"{place}: {kind}{message}"


def find_function(name: str, user: Path | None) -> tuple[Module, Callable[..., Any]]:
    """A function by its name: from the user's module, else from those that come with i2db.

    Raises:
        InputError: there is no such function; the nearest names are told.
    """
    modules = [load_module(path) for path in ((user, BUNDLED) if user is not None else (BUNDLED,))]
    for module in modules:
        if name in module.functions:
            return module, module.functions[name]
    known = [each for module in modules for each in module.functions]
    near = get_close_matches(name, known, n=3)
    where = f"{modules[0].path}, nor among those of i2db" if user is not None else "those that come with i2db"
    raise InputError(
        f"external_features.functions: there is no function {name} in {where}",
        hint=f"did you mean {' or '.join(near)}?" if near else "`i2db features` lists those of i2db",
    )
