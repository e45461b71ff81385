"""The generated reference is that of the code, links lead somewhere, and the pages name what exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from i2db.cli.main import app
from i2db.cli.reference import FOLDER
from i2db.reference import pages

REPOSITORY = Path(__file__).resolve().parents[2]
TEXTS = [*REPOSITORY.glob("*.md"), *sorted((REPOSITORY / "docs").rglob("*.md"))]


@pytest.mark.parametrize("name", sorted(pages(app)))
def test_reference_is_current(name: str) -> None:
    text = (FOLDER / name).read_text("utf-8")
    assert text == pages(app)[name], "python -m i2db.cli.reference writes it anew"


def anchors(text: str) -> set[str]:
    """Anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_links_lead_somewhere(path: Path) -> None:
    text = path.read_text("utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)):
        if target.startswith(("http:", "https:")):
            continue
        file, _, anchor = target.partition("#")
        page = (path.parent / file).resolve() if file else path
        assert page.exists(), f"{path.name} links to {target}"
        if anchor and page.suffix == ".md":
            assert anchor in anchors(page.read_text("utf-8")), f"{path.name} links to {target}"


def test_every_command_has_an_example_and_its_options_have_help() -> None:
    """What the page of commands is made from."""
    group = typer.main.get_command(app)
    waiting = list(group.commands.items())
    while waiting:
        name, command = waiting.pop()
        if getattr(command, "commands", None):
            waiting += [(f"{name} {inner}", each) for inner, each in command.commands.items()]
            continue
        assert f"Example: i2db {name}" in " ".join((command.help or "").split()), name
        for parameter in command.params:
            assert parameter.help, f"{name} {parameter.name}"


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_commands_on_pages_exist(path: Path) -> None:
    known = set(typer.main.get_command(app).commands)
    text = "".join(re.findall(r"^```(?:bash)?\n(?:.*\n)*?```$", path.read_text("utf-8"), re.MULTILINE))
    for command in re.findall(r"^(?:\.venv/bin/)?i2db ([a-z][a-z0-9-]*)", text, re.MULTILINE):
        assert command in known, f"{path.name}: i2db {command}"
