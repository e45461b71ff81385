"""Telling numba's cache about the other files that a compiled function takes in.

numba compiles a function together with those it calls, but looks only at the function's own file to see whether what
it has cached is still right. A kernel that calls kernels of another file is therefore made by a factory whose argument
is a stamp of that file: values in the closure are part of the cache's key.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType


def source_stamp(*modules: ModuleType) -> str:
    """Size and time of change of the source files of some modules."""
    states = [(Path(str(module.__file__)).name, Path(str(module.__file__)).stat()) for module in modules]
    return " ".join(f"{name}:{state.st_size}:{state.st_mtime_ns}" for name, state in states)
