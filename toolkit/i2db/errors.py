"""The errors that i2db raises on purpose: what is wrong, where, and what to do."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the command line answers to the shell."""

    OK = 0
    TASK_FAILED = 1
    USAGE = 2
    CONTRACT = 3
    LOCKED = 4


class I2dbError(Exception):
    """Base of all errors with a message for a person and, where there is one, a hint on what to do."""

    exit_code = ExitCode.TASK_FAILED

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  hint: {self.hint}" if self.hint else self.message

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.message, self.hint)


def _rebuild(kind: type[I2dbError], message: str, hint: str | None) -> I2dbError:
    """Unpickle an error that came from a worker (keyword arguments do not survive by themselves)."""
    return kind(message, hint=hint)


class ConfigError(I2dbError, ValueError):
    """The configuration, or a command's arguments, cannot be used as they are."""

    exit_code = ExitCode.USAGE


class InputError(I2dbError, ValueError):
    """A file of the user's (raster, vector, table) is missing, unreadable or not what it should be."""

    exit_code = ExitCode.USAGE


class ContractError(I2dbError):
    """Something i2db promised itself does not hold: a schema, a checksum, an audit."""

    exit_code = ExitCode.CONTRACT


class StageError(I2dbError):
    """A stage of the chain could not be completed; what was done is kept."""

    exit_code = ExitCode.TASK_FAILED


class DiskFullError(StageError):
    """The disk, or the user's share of it, is full: no other task will fare better."""


class LockedError(I2dbError):
    """Another process writes to the project's database."""

    exit_code = ExitCode.LOCKED
