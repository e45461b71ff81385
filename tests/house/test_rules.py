"""The rules of the house: who may know whom, how long a room may be, and what is never written."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "toolkit" / "i2db"
MODULES = sorted(PACKAGE.rglob("*.py"))


def imports(path: Path) -> set[str]:
    """Modules that a file imports anywhere, also inside functions; not those for type checking only."""
    found: set[str] = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def of(folder: str) -> list[Path]:
    return [path for path in MODULES if path.relative_to(PACKAGE).parts[0] == folder]


@pytest.mark.parametrize("folder", ["raster", "learn", "sensors", "vector", "simulate", "config", "accuracy"])
def test_arrays_do_not_know_the_database(folder: str) -> None:
    for path in of(folder):
        known = imports(path)
        assert not {name for name in known if name.startswith(("i2db.store", "i2db.chain", "i2db.stages", "duckdb"))}, (
            path
        )


def test_only_the_store_opens_duckdb() -> None:
    for path in MODULES:
        if path.relative_to(PACKAGE).parts[0] not in ("store",):
            assert "duckdb" not in {name.split(".")[0] for name in imports(path)}, path


def test_nothing_imports_the_command_line() -> None:
    for path in MODULES:
        if path.relative_to(PACKAGE).parts[0] not in ("cli", "__main__.py"):
            assert not {name for name in imports(path) if name.startswith("i2db.cli")}, path


def test_the_chain_knows_no_stage() -> None:
    for path in of("chain"):
        assert not {name for name in imports(path) if name.startswith("i2db.stages")}, path


def test_every_module_imports_alone() -> None:
    names = [".".join(("i2db", *path.relative_to(PACKAGE).with_suffix("").parts)) for path in MODULES]
    names = [name.removesuffix(".__init__") for name in names]
    code = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)"
    subprocess.run([sys.executable, "-c", code, *names], check=True)


def test_no_import_circle() -> None:
    graph: dict[str, set[str]] = {}
    names = {
        ".".join(("i2db", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__"): path
        for path in MODULES
    }
    for name, path in names.items():
        graph[name] = {
            other for other in imports(path) if other in names and other != name and not name.startswith(other + ".")
        }
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " -> ".join((*way[way.index(name) :], name)) if name in way else ""
        if name in done:
            return
        for other in sorted(graph[name]):
            visit(other, (*way, name))
        done.add(name)

    for name in sorted(graph):
        visit(name, ())


def test_modules_and_functions_are_short() -> None:
    for path in MODULES:
        text = path.read_text(encoding="utf-8")
        assert text.count("\n") <= 500, f"{path}: {text.count(chr(10))} lines"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                size = (node.end_lineno or 0) - node.lineno + 1
                limit = 90 if path.parent.name == "cli" else 75
                assert size <= limit, f"{path}:{node.lineno} {node.name} has {size} lines"


def test_no_pickle_no_eval() -> None:
    for path in MODULES:
        assert not {name for name in imports(path) if name.split(".")[0] in ("pickle", "joblib", "dill")}, path
        calls = {
            node.func.id
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert not calls & {"eval", "exec"}, path


def test_no_sql_in_python() -> None:
    pattern = re.compile(r"\b(SELECT .+ FROM|INSERT INTO|DELETE FROM)\b")
    for path in MODULES:
        if path.parent.name in ("store", "cli"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                assert not pattern.search(ast.unparse(node)), f"{path}:{node.lineno}"
