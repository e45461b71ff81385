"""Run the chain in children that kill themselves: `python killing.py CONFIG OUT MOMENT... [-- SETTING...]`.

A moment is `work:STAGE` (in the second task of the stage, its files written and its manifest not) or `publish:STAGE`
(its tables filled, its transaction not yet closed). Each child goes on from what the one before it left. Prints
how each child ended, as JSON.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from i2db.store.database import Database
from i2db.store.parts import Part, PartWriter
from scenes import run_scene


def arm(moment: str) -> None:
    """Have this process killed at a moment."""
    kind, stage = moment.split(":")
    run, finish = Database.run, PartWriter.finish
    finished: list[str] = []

    def finish_or_die(writer: PartWriter, **details: Any) -> Part:
        if writer.stage == stage:
            finished.append(writer.unit)
            if len(finished) == 2:
                os.kill(os.getpid(), signal.SIGKILL)
        return finish(writer, **details)

    def run_or_die(database: Database, name: str, **parameters: Any) -> None:
        if name == "catalogue/publish" and parameters["stage"] == stage:
            os.kill(os.getpid(), signal.SIGKILL)
        run(database, name, **parameters)

    if kind == "work":
        PartWriter.finish = finish_or_die  # type: ignore[method-assign]
    else:
        Database.run = run_or_die  # type: ignore[method-assign]


def main(config: str, folder: str, *moments: str) -> None:
    """A child per moment, one after the other."""
    ends = {}
    border = moments.index("--") if "--" in moments else len(moments)
    settings = moments[border + 1 :]
    for moment in moments[:border]:
        child = os.fork()
        if child == 0:
            arm(moment)
            run_scene(Path(config), Path(folder), *settings)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        ends[moment] = os.waitstatus_to_exitcode(status)
    print(json.dumps(ends))


if __name__ == "__main__":
    main(*sys.argv[1:])
