"""How many files a process may hold open: a year of one tile is more than the 1024 that systems begin with."""

from __future__ import annotations

import resource

#: No more is asked for, even where the system would give it.
WANTED = 2**16


def allow_many() -> None:
    """Raise this process's own limit of open files as far as the system lets it; where it does not, it stays."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED if hard == resource.RLIM_INFINITY else min(hard, WANTED)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (ValueError, OSError):
        # Some systems tell a hard limit that they do not allow; what then fails says so by itself.
        return


def hint_of(reason: BaseException) -> str | None:
    """What to do where a file could not be opened because too many are; None for any other reason."""
    if "Too many open files" not in str(reason):
        return None
    return "the system allows too few open files: raise the limit (`ulimit -n 8192`) in the shell that starts i2db"
