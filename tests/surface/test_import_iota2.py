"""An old iota2 output tree becomes a project that answers."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest
from iota2_tree import FEATURES, make_tree
from sklearn.metrics import accuracy_score, cohen_kappa_score, f1_score

import i2db
from i2db.comparison.compare import compare
from i2db.errors import ConfigError, InputError
from i2db.iota2_files import read_matrix
from i2db.iota2_import import import_tree
from i2db.store.audit import audit

#: Reference 11, 12; produced 11, 12, 13: the lists differ, as OTB's may.
MATRICES = {
    0: "#Reference labels (rows):11,12\n#Produced labels (columns):11,12,13\n30,5,1\n4,20,0\n",
    1: "#Reference labels (rows):11,12\n#Produced labels (columns):11,12\n28,6\n3,21\n",
}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tree(tmp_path_factory.mktemp("iota2") / "old", MATRICES)


@pytest.fixture(scope="module")
def project(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("imported") / "out"
    nomenclature = folder.parent / "nomenclature.txt"
    nomenclature.write_text("wheat:11\nmaize:12\n")
    counts = import_tree(tree, folder, nomenclature=nomenclature, resolution=10)
    assert counts == {"classes": 3, "polygons": 6, "runs": 2, "pixels": 20, "features": 4, "matrices": 2}
    return folder


def test_polygons_that_were_cut_are_two(project: Path) -> None:
    p = i2db.open(project)
    rows = p.sql("SELECT polygon_id, class_code, group_name, area FROM polygon ORDER BY polygon_id").rows()
    assert [(row["polygon_id"], row["class_code"], row["group_name"]) for row in rows] == [
        (1, 11, "1"), (2, 11, "2"), (3, 12, "3"), (4, 12, "4"), (5, 11, "5"), (6, 11, "5"),
    ]  # fmt: skip
    assert [row["area"] for row in rows] == [1600, 1600, 1600, 1600, 800, 800]
    sides = p.sql("SELECT run, list(polygon_id ORDER BY polygon_id) AS ids FROM polygon_split WHERE split = 'val' "
                  "GROUP BY run ORDER BY run").rows()  # fmt: skip
    assert [row["ids"] for row in sides] == [[2, 4], [1, 3, 6]]
    assert p.table("polygon").geo().crs.to_epsg() == 2154


def test_samples_are_where_they_were(project: Path) -> None:
    p = i2db.open(project)
    frame = p.samples(run=0, split="learn").geo()
    assert len(frame) == 12
    assert list(frame.columns[-5:-1]) == list(FEATURES)
    assert {(q.x, q.y) for q in frame.geometry} >= {(600_005.0, 6_200_015.0), (600_435.0, 6_200_015.0)}
    by_polygon = frame.groupby("polygon_id").size().to_dict()
    assert by_polygon == {1: 4, 3: 4, 5: 2, 6: 2}
    first = frame[frame["polygon_id"] == 1].iloc[0]
    assert [float(first[name]) for name in FEATURES] == [5.0, 500.0, 600.0, 0.0]
    profile = p.sql("FROM profile('NDVI') ORDER BY ALL").rows()
    assert {(row["class_name"], row["date"].isoformat()) for row in profile} == {
        (name, date) for name in ("wheat", "maize") for date in ("2018-01-01", "2018-01-11")
    }
    learnt = p.sql("SELECT run, class_name, n_selected, n_learn FROM class_statistics WHERE n_learn > 0").rows()
    assert {(r["run"], r["class_name"]): r["n_learn"] for r in learnt} == {
        (0, "wheat"): 8, (0, "maize"): 4, (1, "wheat"): 6, (1, "maize"): 4,
    }  # fmt: skip


@pytest.mark.parametrize("run", [0, 1])
def test_accuracy_is_that_of_the_matrix(project: Path, run: int) -> None:
    matrices: dict[int, dict[tuple[int, int], int]] = {
        0: {(11, 11): 30, (11, 12): 5, (11, 13): 1, (12, 11): 4, (12, 12): 20},
        1: {(11, 11): 28, (11, 12): 6, (12, 11): 3, (12, 12): 21},
    }
    counts = matrices[run]
    reference = np.repeat([pair[0] for pair in counts], list(counts.values()))
    produced = np.repeat([pair[1] for pair in counts], list(counts.values()))
    (row,) = i2db.open(project).sql("FROM accuracy WHERE run = $run", run=run).rows()
    assert row["n_pixels"] == len(reference)
    assert row["n_polygons"] == (2, 3)[run]
    assert row["overall_accuracy"] == pytest.approx(accuracy_score(reference, produced))
    assert row["kappa"] == pytest.approx(cohen_kappa_score(reference, produced))
    assert row["f_score"] == pytest.approx(f1_score(reference, produced, labels=[11, 12], average="macro"))


def test_what_was_imported_holds_the_audits_of_samples(project: Path) -> None:
    with i2db.open(project).reading() as database:
        broken = audit(database)
    assert not {name for name in broken if name.startswith(("candidate_twice", "sample", "selection_outside"))}


def test_the_project_is_compared(project: Path, tree: Path, tmp_path: Path) -> None:
    import_tree(tree, tmp_path / "again", resolution=10)
    sections = compare([project, tmp_path / "again"])
    assert sections["configuration"] == []
    assert {row["verdict"] for row in sections["paired"] if row["class_name"] is None} == {"equal"}


def test_the_sum_stands_for_its_tiles(tree: Path, tmp_path: Path) -> None:
    folder = make_tree(tmp_path / "old", {0: MATRICES[0]})
    (folder / "final" / "TMP" / "T31TCJ_seed_0.csv").write_text(MATRICES[1])
    for number, tile in enumerate(("T31TCJ", "T31TDJ")):
        (folder / "final" / "TMP" / f"{tile}_seed_1.csv").write_text(MATRICES[number])
    import_tree(folder, tmp_path / "out", resolution=10)
    rows = (
        i2db.open(tmp_path / "out")
        .sql("SELECT run, sum(n_pixels) AS n FROM confusion GROUP BY run ORDER BY run")
        .rows()
    )
    assert [int(row["n"]) for row in rows] == [60, 118]


def test_without_a_split_what_learnt_validates(tmp_path: Path) -> None:
    folder = make_tree(tmp_path / "old", {0: MATRICES[0]})
    for path in (folder / "dataAppVal").glob("*_val.sqlite"):
        path.write_bytes((path.parent / path.name.replace("_val", "_learn")).read_bytes())
    import_tree(folder, tmp_path / "out", resolution=10)
    p = i2db.open(tmp_path / "out")
    assert p.sql("SELECT DISTINCT evaluated_split AS s FROM run").rows() == [{"s": "learn"}]
    assert p.sql("SELECT DISTINCT split AS s FROM polygon_split").rows() == [{"s": "learn"}]


def test_what_cannot_be_told_is_asked_for(tree: Path, project: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no final/Classif_Seed") as caught:
        import_tree(tree, tmp_path / "out")
    assert "--resolution 10" in str(caught.value)
    with pytest.raises(ConfigError, match="is there already"):
        import_tree(tree, project, resolution=10)
    with pytest.raises(InputError, match="has no column label"):
        import_tree(tree, tmp_path / "out", resolution=10, data_field="label")
    with pytest.raises(InputError, match="holds none of iota2's"):
        import_tree(tmp_path, tmp_path / "out")
    broken = tmp_path / "old" / "dataAppVal" / "T_seed_0_learn.sqlite"
    broken.parent.mkdir(parents=True)
    broken.write_text("no database at all, whatever its name")
    with pytest.raises(InputError, match="cannot be read"):
        import_tree(tmp_path / "old", tmp_path / "out", resolution=10, data_field="code")
    broken.unlink()
    sqlite3.connect(broken).close()
    with pytest.raises(InputError, match="no table with a column GEOMETRY"):
        import_tree(tmp_path / "old", tmp_path / "out", resolution=10)
    assert not (tmp_path / "out").exists() or list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2\n", "no confusion matrix"),
        ("#Reference labels (rows):1,x\n#Produced labels (columns):1\n1\n", "invalid literal"),
        ("#Reference labels (rows):1,2\n#Produced labels (columns):1,2\n1,2\n", "1 rows for 2 x 2"),
    ],
)
def test_a_matrix_that_is_none(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "m.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_matrix(path)
