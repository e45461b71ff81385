"""Products that lack something: what, where and what to do, at once for all of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from commands import Command

from i2db.simulate import Scene
from scenes import ask, copy_scene


@pytest.fixture
def config(scene: Scene, tmp_path: Path) -> Path:
    """The configuration of a copy that may be spoilt."""
    return copy_scene(scene, tmp_path / "scene")


def products(config: Path, tile: str) -> list[Path]:
    return sorted((config.parent / "s2" / tile).iterdir())


def band(product: Path, name: str) -> Path:
    (path,) = product.glob(f"*_{name}.tif")
    return path


def test_missing_bands_are_all_named(i2db: Command, scene: Scene, config: Path, quick: list[str], out: Path) -> None:
    first, second = products(config, scene.tiles[0])[0], products(config, scene.tiles[1])[1]
    band(first, "B5").unlink()
    band(second, "B11").unlink()
    for command in (["run", config, "-o", out, *quick], ["check", config]):
        answer = i2db(*command)
        assert answer.code == 2
        text = answer.out + answer.err
        for product, name, tile in ((first, "B5", scene.tiles[0]), (second, "B11", scene.tiles[1])):
            assert product.name in text
            assert f"band {name} is missing" in text
            assert f"tile {tile}" in text
        assert "get the product again or remove it" in text
    assert not out.exists()


@pytest.mark.slow
def test_a_truncated_band_is_named_by_run_and_check(
    i2db: Command, scene: Scene, config: Path, quick: list[str], out: Path
) -> None:
    product = products(config, scene.tiles[0])[2]
    path = band(product, "B8")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 3])
    answer = i2db("check", config)
    assert answer.code == 2
    date = product.name.split("_")[1][:8]
    for word in (str(path), "B8", scene.tiles[0], f"{date[:4]}-{date[4:6]}-{date[6:]}", "get the product again"):
        assert word in answer.out
    answer = i2db("run", config, "-o", out, *quick)
    assert answer.code == 1
    assert path.name in answer.err
    assert "stage extract" in answer.err
    assert scene.tiles[0] in answer.err
    failed = ask(out, "SELECT DISTINCT stage, outcome FROM task_run WHERE outcome = 'failed'")
    assert failed == [("extract", "failed")]
    # Mended, the next run goes on from there.
    path.write_bytes(whole)
    answer = i2db("run", config, "-ending_step", 6, "-o", out, *quick)
    assert answer.code == 0, answer.err


@pytest.mark.slow
def test_products_of_one_day_are_one_date(i2db: Command, config: Path, quick: list[str], out: Path) -> None:
    assert i2db("run", config, "-ending_step", 3, "-o", out, *quick).code == 0
    ((n_products, n_dates),) = ask(
        out,
        "SELECT max(n), max(d) FROM (SELECT count(*) AS n, count(DISTINCT date) AS d FROM acquisition GROUP BY tile)",
    )
    assert n_products > n_dates
    ((most,),) = ask(out, "SELECT max(n_valid) FROM candidate")
    assert most == n_dates


def test_a_missing_tile_names_those_there_are(i2db: Command, scene: Scene, config: Path, out: Path) -> None:
    answer = i2db("run", config, "-o", out, "--set", f"chain.list_tile={scene.tiles[0]} T99ZZZ")
    assert answer.code == 2
    assert "T99ZZZ is not there" in answer.err
    assert f"tiles there: {', '.join(scene.tiles)}" in answer.err


def test_an_empty_tile_is_an_error(i2db: Command, scene: Scene, config: Path, out: Path) -> None:
    for product in products(config, scene.tiles[0]):
        shutil.rmtree(product)
    answer = i2db("run", config, "-o", out)
    assert answer.code == 2
    assert "holds no product" in answer.err


def test_a_day_that_does_not_exist(i2db: Command, scene: Scene, config: Path) -> None:
    product = products(config, scene.tiles[0])[0]
    date = product.name.split("_")[1][:8]
    product.rename(product.with_name(product.name.replace(date, "20180231")))
    answer = i2db("check", config)
    assert answer.code == 2
    assert "'20180231' is not a day of the calendar" in answer.out


@pytest.mark.slow
def test_a_product_that_is_gone_after_the_run(
    i2db: Command, scene: Scene, config: Path, quick: list[str], out: Path
) -> None:
    """A date less: the plan says what changes, and the run does it."""
    assert i2db("run", config, "-ending_step", 6, "-o", out, *quick).code == 0
    shutil.rmtree(products(config, scene.tiles[0])[3])
    answer = i2db("run", config, "-ending_step", 6, "-o", out, *quick)
    assert answer.code == 0, answer.err
    rows = ask(out, "SELECT tile, count(*) FROM acquisition GROUP BY tile ORDER BY tile")
    assert rows[0][1] == rows[1][1] - 1
