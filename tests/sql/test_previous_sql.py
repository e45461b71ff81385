"""Pixels of the previous year in the place of this year's: what may learn, by hand."""

from __future__ import annotations

from cases import fill, rows, select, split

from i2db.store.database import Database


def previous(sample_id: int, polygon: int, code: int) -> dict[str, object]:
    return {
        "sample_id": -1 - sample_id,
        "polygon_id": -1 - polygon,
        "region": "1",
        "class_code": code,
        "tile": "previous_T1",
        "chunk": 0,
    }


def test_a_field_that_validates_does_not_learn_as_it_was_last_year(database: Database) -> None:
    # Class 1 is annual: polygons 1 and 2; class 2 is not: polygons 3 and 4. Polygon 2 validates.
    fill(database, {1: 3, 2: 2, 3: 4, 4: 1}, {1: 1, 2: 1, 3: 2, 4: 2})
    split(database, is_split=False)
    database.connection.execute("UPDATE polygon_split SET split = 'val' WHERE polygon_id = 2")
    database.connection.execute("UPDATE run SET evaluated_split = 'val'")
    database.append("annual_class", [{"class_code": 1, "merged_code": 9, "merged_name": "crop"}])
    # Last year polygon 50 had one pixel on what is polygon 2 now, and two elsewhere; polygon 51 lies on 1 and 3.
    database.append(
        "previous_candidate",
        [
            *(previous(pixel, 50, 1) for pixel in (20_000, 77_000, 77_001)),
            *(previous(pixel, 51, 1) for pixel in (10_000, 30_000)),
        ],
    )
    select(database, "all")
    assert rows(database, "SELECT class_code, n_available, n_drawn FROM quota") == [(1, 2, 2), (2, 5, 5)]
    drawn = rows(database, "SELECT sample_id FROM selection ORDER BY sample_id")
    assert drawn == [(-30_001,), (-10_001,), (30_000,), (30_001,), (30_002,), (30_003,), (40_000,)]
    for audit in ("selection_off_quota", "selection_outside_learn"):
        assert database.rows(f"audit/{audit}") == []
    database.run("previous/shortages")
    assert rows(database, "SELECT * FROM finding") == []
    assert rows(database, "SELECT class_code, class_name FROM accuracy_class ORDER BY class_rank") == [
        (9, "crop"),
        (2, "class 2"),
    ]


def test_an_annual_class_that_loses_all_its_samples_is_told(database: Database) -> None:
    fill(database, {1: 3, 3: 4}, {1: 1, 3: 2})
    split(database, is_split=False)
    database.append("annual_class", [{"class_code": 1}])
    select(database, "all")
    assert rows(database, "SELECT class_code FROM quota") == [(2,)]
    database.run("previous/shortages")
    assert [row[0] for row in rows(database, "SELECT item FROM finding")] == ["class 1 (1), run 0"]
