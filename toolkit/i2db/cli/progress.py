"""How far a run is: a bar with the time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from i2db.chain.stage import Stage
    from i2db.chain.task import Outcome


class Lines:
    """One line per stage, on the standard error."""

    def __init__(self) -> None:
        self._started = time.perf_counter()

    def warn(self, text: str) -> None:
        """A line of its own."""
        typer.echo("warning: " + text, err=True)

    def start(self, stage: Stage, n_tasks: int, n_current: int) -> None:  # noqa: ARG002
        """Remember when the stage began; say what it has to do when that takes workers."""
        self._started = time.perf_counter()
        self._n, self._done, self._next = n_tasks, 0, 0.1
        self._current = n_current

    def advance(self, stage: Stage, outcome: Outcome) -> None:  # noqa: ARG002
        """Every tenth of a long stage is worth a line."""
        self._done += 1
        if self._n >= 20 and self._done / self._n >= self._next:
            self._next = self._done / self._n + 0.1
            left = (time.perf_counter() - self._started) / self._done * (self._n - self._done)
            typer.echo(f"{stage.name:<10} {self._done}/{self._n} tasks, about {_time(left)} left", err=True)

    def finish(self, stage: Stage) -> None:
        """Say what the stage did."""
        seconds = time.perf_counter() - self._started
        what = f"{self._n} tasks" if self._n else "up to date" if self._current else "done"
        if self._n and self._current:
            what += f", {self._current} up to date"
        typer.echo(f"{stage.name:<10} {what} ({_time(seconds)})", err=True)


class Bars:
    """A bar per stage with the time left (rich)."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self._progress = Progress(
            TextColumn("{task.description:<10}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._bars: dict[str, Any] = {}
        self._progress.start()

    def start(self, stage: Stage, n_tasks: int, n_current: int) -> None:
        """A new bar."""
        self._bars[stage.name] = self._progress.add_task(
            stage.name, total=max(1, n_tasks + n_current), completed=n_current
        )

    def advance(self, stage: Stage, outcome: Outcome) -> None:  # noqa: ARG002
        """A step further."""
        self._progress.advance(self._bars[stage.name])

    def finish(self, stage: Stage) -> None:
        """The bar is full."""
        bar = self._bars[stage.name]
        total = next(task.total for task in self._progress.tasks if task.id == bar)
        self._progress.update(bar, completed=total)

    def warn(self, text: str) -> None:
        """A line above the bars."""
        self._progress.console.print("warning: " + text, highlight=False)

    def close(self) -> None:
        """Give the terminal back."""
        self._progress.stop()


def make_progress() -> Lines | Bars:
    """Bars on a terminal, lines elsewhere."""
    return Bars() if sys.stderr.isatty() else Lines()


def _time(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
