"""The pages of docs/ whose commands are run: what they say, what really comes out, and how the two are compared.

A page with the comment `<!-- runnable -->` has ```bash blocks, run in order in one empty folder with `i2db` on the PATH
and the repository's examples/ linked into it; `<!-- runnable after other.md -->` goes on in the folder of another page;
`<!-- runnable with data -->` finds the real data as `data`, and is left out where they are absent.
A ```sql examples/queries/x.sql block is that file, asked of scene/out (or of the folder that is named third); further
words with an equals sign are its parameters.
A ```text block right after one is what it prints. It must be exact but for times; in a block marked `text approximate`
(figures of models, which differ between machines) only the headings must be.

The README shows the real patch; its blocks are made in the repository, after `i2db run examples/flanders.cfg`, when it
is named. `python tests/docs/doc_pages.py [PAGE ...]` writes the sql and text blocks anew with what comes out.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from i2db.chain.names import DATABASE_NAME
from i2db.cli.data import parameter
from i2db.cli.output import table
from i2db.store.database import Database

REPOSITORY = Path(__file__).resolve().parents[2]
#: Rows of an answer that a page shows.
SHOWN_ROWS = 10
#: The real data, beside the checkout.
DATA = REPOSITORY.parent / "shared" / "data"
_MARK = re.compile(r"<!-- runnable(?: after (?P<page>\S+)|(?P<data> with data))? -->")
_FENCE = re.compile(r"^```(?P<info>.*)\n(?P<body>(?:.*\n)*?)```$", re.MULTILINE)
_TIME = re.compile(r"\(\d[\d.:]* ?(?:s|min|h)\b[^)]*\)")


@dataclass(frozen=True, slots=True)
class Block:
    """A bash or sql block: its fence's words, its text, and the ```text block that follows it, if any."""

    words: tuple[str, ...]
    body: str
    span: tuple[int, int]
    output: str | None
    output_span: tuple[int, int]
    is_approximate: bool

    @property
    def query_path(self) -> Path:
        """The file that an sql block shows."""
        return REPOSITORY / self.words[1]


def runnable_pages() -> list[Path]:
    """Pages whose blocks are run."""
    return [page for page in sorted((REPOSITORY / "docs").rglob("*.md")) if _MARK.search(page.read_text("utf-8"))]


def predecessor(page: Path) -> Path | None:
    """The page in whose folder this one goes on."""
    mark = _MARK.search(page.read_text("utf-8"))
    return (page.parent / mark["page"]).resolve() if mark and mark["page"] else None


def needs_data(page: Path) -> bool:
    """Whether a page is about the real data."""
    mark = _MARK.search(page.read_text("utf-8"))
    return mark is not None and mark["data"] is not None


def blocks(text: str) -> Iterator[Block]:
    """The commands and queries of a page with their outputs."""
    fences = list(_FENCE.finditer(text))
    for fence, after in zip(fences, [*fences[1:], None], strict=True):
        words = tuple(fence["info"].split())
        if words[:1] != ("bash",) and not (words[:1] == ("sql",) and len(words) > 1):
            continue
        told = after is not None and after["info"].startswith("text") and not text[fence.end() : after.start()].strip()
        output = after if told else None
        yield Block(
            words,
            fence["body"],
            fence.span("body"),
            output["body"] if output else None,
            output.span("body") if output else (0, 0),
            output is not None and "approximate" in output["info"],
        )


def prepare(folder: Path) -> None:
    """What a page finds in its folder."""
    (folder / "examples").symlink_to(REPOSITORY / "examples")
    (folder / "data").symlink_to(DATA)


def run(block: Block, folder: Path) -> tuple[int, str]:
    """Exit code and output of a block."""
    if block.words[0] == "sql":
        named = [word for word in block.words[2:] if "=" not in word]
        given = dict(parameter(word) for word in block.words[2:] if "=" in word)
        return 0, answer(block.query_path.read_text("utf-8"), folder / (named or ["scene/out"])[0], given)
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "LC_ALL": "C.UTF-8",
    }
    # On one core, so that no cluster of processes is started for a small scene.
    core = min(os.sched_getaffinity(0))
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"exec 2>&1; taskset -cp {core} $$ > /dev/null; {block.body}"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        timeout=300,
    )
    return done.returncode, done.stdout


def answer(query: str, project: Path, given: Mapping[str, Any]) -> str:
    """What `i2db sql` prints, cut after some rows."""
    with Database.open(project / DATABASE_NAME, read_only=True, threads=1) as database:
        result = database.query(query, given)
        return table([column[0] for column in result.description or ()], result.fetchall(), limit=SHOWN_ROWS)


def normalised(text: str) -> list[str]:
    """Lines without times and without blanks at their ends."""
    return [_TIME.sub("(time)", line).rstrip() for line in text.rstrip().splitlines()]


def agrees(block: Block, real: str) -> bool:
    """Whether a page tells what comes out."""
    told, came = normalised(block.output or ""), normalised(real)
    if block.is_approximate:
        return told[:1] and came[:1] and told[0].split() == came[0].split() and len(came) >= min(3, len(told))
    return told == came


def rewrite(page: Path, folder: Path) -> None:
    """Put what comes out in the place of a page's sql and text blocks."""
    text = page.read_text("utf-8")
    pieces, end = [], 0
    for block in blocks(text):
        code, real = run(block, folder)
        if code:
            raise SystemExit(f"{page}: exit code {code}\n{block.body}\n{real}")
        if block.words[0] == "sql":
            pieces += [text[end : block.span[0]], block.query_path.read_text("utf-8")]
            end = block.span[1]
        if block.output is not None:
            pieces += [text[end : block.output_span[0]], "\n".join(normalised_ends(real)) + "\n"]
            end = block.output_span[1]
    page.write_text("".join([*pieces, text[end:]]), encoding="utf-8")


def normalised_ends(text: str) -> list[str]:
    """Lines without blanks at their ends."""
    return [line.rstrip() for line in text.rstrip().splitlines()]


def main(names: list[str]) -> None:
    """Rewrite pages; one that goes on in another's folder after that one."""
    pages = [Path(name).resolve() for name in names] or runnable_pages()
    readme = REPOSITORY / "README.md"
    if readme in pages:
        pages.remove(readme)
        rewrite(readme, REPOSITORY)
    if not DATA.exists():
        pages = [page for page in pages if not needs_data(page)]
    wanted = sorted(pages, key=lambda page: (predecessor(page) is not None, page))
    with tempfile.TemporaryDirectory() as root:
        folders: dict[Path, Path] = {}
        for page in wanted:
            before = predecessor(page)
            folder = folders.get(before) if before else None
            if folder is None:
                folder = Path(root) / str(len(folders))
                folder.mkdir()
                prepare(folder)
                if before is not None:
                    rewrite(before, folder)
                    folders[before] = folder
            folders[page] = folder
            rewrite(page, folder)


if __name__ == "__main__":
    main(sys.argv[1:])
