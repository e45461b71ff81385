"""The commands and queries of the documentation run, and print what the pages say."""

from __future__ import annotations

from pathlib import Path

import doc_pages
import pytest

pytestmark = pytest.mark.slow

PAGES = doc_pages.runnable_pages()


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Path]:
    return {}


def run_page(page: Path, folders: dict[Path, Path], root: pytest.TempPathFactory) -> None:
    """Run a page in a folder of its own, or in that of the page it goes on from (which is run first)."""
    before = doc_pages.predecessor(page)
    if before is None:
        folders[page] = root.mktemp("page")
        doc_pages.prepare(folders[page])
    else:
        if before not in folders:
            run_page(before, folders, root)
        folders[page] = folders[before]
    for block in doc_pages.blocks(page.read_text("utf-8")):
        code, real = doc_pages.run(block, folders[page])
        assert code == 0, f"{block.body}\n{real}"
        if block.words[0] == "sql":
            assert block.body == block.query_path.read_text("utf-8"), f"{block.query_path} is another text"
        if block.output is not None:
            assert doc_pages.agrees(block, real), f"{page.name}: {block.body}\ntold:\n{block.output}\ncame:\n{real}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page_runs(page: Path, folders: dict[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> None:
    if doc_pages.needs_data(page) and not doc_pages.DATA.exists():
        pytest.skip(f"there are no real data in {doc_pages.DATA}")
    if page not in folders:
        run_page(page, folders, tmp_path_factory)


def test_every_query_is_on_a_page() -> None:
    queries = {path.relative_to(doc_pages.REPOSITORY).as_posix() for path in QUERIES}
    shown = {block.words[1] for page in PAGES for block in doc_pages.blocks(page.read_text("utf-8")) if block.words[1:]}
    assert shown == queries


def test_readme_shows_the_queries_as_they_are() -> None:
    for block in doc_pages.blocks((doc_pages.REPOSITORY / "README.md").read_text("utf-8")):
        if block.words[0] == "sql":
            assert block.body == block.query_path.read_text("utf-8")


QUERIES = sorted((doc_pages.REPOSITORY / "examples" / "queries").glob("*.sql"))


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_query_begins_with_its_question(path: Path) -> None:
    first = path.read_text("utf-8").splitlines()[0]
    assert first.startswith("-- ")
    assert "?" in first
