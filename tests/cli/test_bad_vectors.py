"""Ground truth and regions that do not fit, through the chain: exit codes, messages, findings, pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import geopandas
import pytest
import rasterio
import shapely
from commands import Answer, Command
from spoiling import PITCH, RESOLUTION, SIDE, corner, ground_truth, labels_of, parcel

from i2db.simulate import Scene
from i2db.stages.chain import CLASSIFICATION
from scenes import ask

Run = Callable[..., Answer]

#: Numbers of steps.
SELECT, MOSAIC, ALL = (
    1 + [stage.name for stage in CLASSIFICATION].index(name) for name in ("select", "mosaic", "evaluate")
)


@pytest.fixture
def run(i2db: Command, scene: Scene, quick: list[str], out: Path, tmp_path: Path) -> Run:
    """Runs the chain to the draw, on the first tile and some parcels."""

    def call(
        labels: Sequence[Any] = (),
        shapes: Sequence[Any] | None = None,
        settings: Sequence[str] = (),
        *,
        path: Path | None = None,
        last: int = SELECT,
        **columns: Sequence[Any],
    ) -> Answer:
        file = path or ground_truth(scene, tmp_path / "parcels.gpkg", labels, shapes, **columns)
        chosen = [f"chain.ground_truth={file}", f"chain.list_tile={scene.tiles[0]}", "arg_train.runs=1", *settings]
        options = [option for setting in chosen for option in ("--set", setting)]
        return i2db("run", scene.config, "-o", out, "-ending_step", last, *quick, *options)

    return call


def findings(out: Path) -> list[tuple[Any, ...]]:
    return ask(out, "SELECT subject, item, message, remedy FROM finding ORDER BY ALL")


def pixels(out: Path) -> dict[int, int]:
    return dict(ask(out, "SELECT polygon_id, count(*) FROM candidate GROUP BY ALL"))


def test_good_parcels_give_all_their_pixels(run: Run, scene: Scene, out: Path) -> None:
    assert run(labels_of(scene, 24)).code == 0
    assert findings(out) == []
    assert pixels(out) == dict.fromkeys(range(1, 25), SIDE * SIDE)
    assert ask(out, "SELECT min(edge_distance), max(edge_distance) FROM candidate") == [(5.0, 35.0)]


def test_another_projection_is_noted(run: Run, scene: Scene, out: Path, tmp_path: Path) -> None:
    original = ground_truth(scene, tmp_path / "utm.gpkg", labels_of(scene, 24))
    path = tmp_path / "lambert.shp"
    geopandas.read_file(original).to_crs("EPSG:2154").to_file(path)
    assert run(path=path).code == 0
    ((subject, item, message, remedy),) = findings(out)
    assert (subject, item) == ("ground truth", "lambert.shp")
    assert "EPSG:2154" in message
    assert "reprojected" in remedy
    counts = pixels(out)
    assert sum(counts.values()) == pytest.approx(24 * SIDE * SIDE, rel=0.02)


def test_no_projection(run: Run, scene: Scene, tmp_path: Path) -> None:
    path = ground_truth(scene, tmp_path / "bare.shp", labels_of(scene, 24))
    path.with_suffix(".prj").unlink()
    answer = run(path=path)
    assert answer.code == 2
    assert "bare.shp does not say its projection" in answer.err
    assert "ogr2ogr" in answer.err


def test_nothing_within_the_tiles(run: Run, i2db: Command, scene: Scene, tmp_path: Path) -> None:
    away = [shapely.affinity.translate(parcel(scene, i), 100_000, 0) for i in range(8)]
    answer = run(labels_of(scene, 8), away, last=ALL)
    assert answer.code == 2
    assert "parcels.gpkg" in answer.err
    assert "none of the 8 polygons lies within the tiles" in answer.err
    setting = f"chain.ground_truth={tmp_path / 'parcels.gpkg'}"
    answer = i2db("check", scene.config, "--set", setting)
    assert answer.code == 2
    assert "none of the 8 polygons lies within the tiles" in answer.out


def test_text_labels(run: Run, scene: Scene, out: Path, tmp_path: Path) -> None:
    names = ["wheat", "maize", "wood", "town"]
    texts = [names[i % 4] for i in range(24)]
    answer = run(texts)
    assert answer.code == 2
    assert "'wheat', which is no integer" in answer.err
    assert "chain.label_recode" in answer.err
    recode = tmp_path / "recode.csv"
    recode.write_text("".join(f"{name},{code}\n" for name, code in zip(names, scene.class_codes, strict=False)))
    assert run(texts, settings=[f"chain.label_recode={recode}"]).code == 0
    assert ask(out, "SELECT DISTINCT class_code FROM polygon WHERE source_label = 'wheat'") == [(scene.class_codes[0],)]


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (2.5, "has the label 2.5, which is no integer"),
        (0, "has the label 0"),
        (-3, "has the label -3"),
        (70_000, "has the label 70000"),
        (4711, "which the nomenclature does not know"),
    ],
)
def test_labels_that_cannot_be(run: Run, scene: Scene, label: float, message: str) -> None:
    answer = run([*labels_of(scene, 11), label])
    assert answer.code == 2
    assert "polygon 12: has the label" in answer.err
    assert message in answer.err
    assert "chain.excluded_classes" in answer.err


def test_null_labels_are_left_out_and_told(run: Run, scene: Scene, out: Path) -> None:
    assert run([*labels_of(scene, 12), None]).code == 0
    assert findings(out) == [("polygon", "13", "has no label", "left out")]
    assert 13 not in pixels(out)


def test_excluded_classes_are_noted(run: Run, scene: Scene, out: Path) -> None:
    assert run([*labels_of(scene, 12), 99, 99], settings=["chain.excluded_classes=[99]"]).code == 0
    ((_, item, message, _),) = findings(out)
    assert (item, message) == ("99", "is excluded: 2 polygons")


def test_shapes_of_all_kinds(run: Run, scene: Scene, out: Path) -> None:
    """Multi, crossed, empty, given twice: what can be used is used, and the rest is told."""
    codes = labels_of(scene, 12)
    plain = [parcel(scene, i) for i in range(12)]
    multi = shapely.MultiPolygon([parcel(scene, 20), parcel(scene, 22)])
    left, bottom, right, top = parcel(scene, 24).bounds
    crossed = shapely.Polygon([(left, bottom), (right, top), (right, bottom), (left, top)])
    shapes = [*plain, multi, crossed, shapely.Polygon(), plain[0]]
    assert run([*codes, codes[0], codes[0], codes[0], codes[0]], shapes).code == 0
    told = {item: message for _, item, message, _ in findings(out)}
    assert told["14"].startswith("is invalid (Self-intersection")
    assert told["15"] == "has no geometry"
    assert told["16"] == "is the same polygon as 1"
    assert set(told) == {"14", "15", "16"}
    counts = pixels(out)
    assert counts[13] == 2 * SIDE * SIDE
    # Two triangles of half the square: 28 centres clear of the crossing lines, 8 or fewer on them.
    assert 24 <= counts[14] <= 40


def test_pixels_of_two_classes_are_dropped_and_told(run: Run, scene: Scene, out: Path) -> None:
    codes = labels_of(scene, 12)
    other = next(code for code in scene.class_codes if code != codes[0])
    shapes = [*(parcel(scene, i) for i in range(12)), parcel(scene, 0, shift=4), parcel(scene, 1, shift=4)]
    assert run([*codes, other, codes[1]], shapes).code == 0
    counts = pixels(out)
    common = (SIDE - 4) ** 2
    assert (counts[1], counts[13]) == (SIDE * SIDE - common, SIDE * SIDE - common)
    # Of the same class the pixels stay, and belong to one of the two.
    assert counts[2] + counts[14] == 2 * SIDE * SIDE - common
    assert findings(out) == [
        ("polygon", "1 and 13", "overlap with different classes on 16 pixels", "these pixels are not used")
    ]


def test_a_polygon_without_pixel_centre_is_told(run: Run, scene: Scene, out: Path) -> None:
    tiny = shapely.affinity.translate(parcel(scene, 30, side=0.3), 1, -1)
    away = shapely.affinity.translate(parcel(scene, 31), 50_000, 0)
    shapes = [*(parcel(scene, i) for i in range(12)), tiny, away]
    assert run([*labels_of(scene, 12), *scene.class_codes[:1] * 2], shapes).code == 0
    told = {item: message for _, item, message, _ in findings(out)}
    assert told == {"13": "is smaller than a pixel and holds no pixel centre", "14": "lies outside all tiles"}
    assert {13, 14} & set(pixels(out)) == set()


def test_a_class_with_one_polygon(run: Run, scene: Scene, out: Path) -> None:
    first, second, *_ = scene.class_codes
    labels = [first] * 6 + [second]
    assert run(labels).code == 0
    ((_, item, message, remedy),) = findings(out)
    assert f"({second})" in item
    assert "1 polygon with pixels and none for validation" in message
    assert "accuracy is unknown" in remedy
    query = f"SELECT split FROM polygon_split WHERE class_code = {second} ORDER BY split"
    assert ask(out, query) == [("learn",)]
    assert run(labels, settings=["arg_train.lone_polygon=both"]).code == 0
    assert ask(out, query) == [("learn",), ("val",)]
    assert findings(out) == []


def halves(scene: Scene, path: Path, names: Sequence[Any], overlap: float = 0.0) -> Path:
    """A region file: the western and the eastern half of the tile."""
    west, north, crs = corner(scene)
    middle, east, south = west + 480, west + 960, north - 960
    shapes = [shapely.box(west, south, middle + overlap, north), shapely.box(middle, south, east, north)]
    geopandas.GeoDataFrame({"region": names}, geometry=shapes, crs=crs).to_file(path, driver="GPKG")
    return path


def test_a_class_absent_from_a_region(run: Run, scene: Scene, out: Path, tmp_path: Path) -> None:
    regions = halves(scene, tmp_path / "regions.gpkg", ["west", "east"])
    first, second, third, *_ = scene.class_codes
    # Columns 0 to 3 of the lattice lie in the west: there and only there is the second class.
    labels = [second if i % 8 < 2 else first if i % 8 < 5 else third for i in range(32)]
    answer = run(labels, settings=[f"chain.region_path={regions}", "chain.region_field=region"], last=8)
    assert answer.code == 0, answer.err
    rows = ask(out, f"SELECT region, n_learn > 0 FROM class_statistics WHERE class_code = {second} ORDER BY region")
    assert rows == [("east", False), ("west", True)]
    query = "SELECT region, list(class_code ORDER BY class_code) FROM model_class GROUP BY region ORDER BY region"
    classes = ask(out, query)
    assert classes == [("east", sorted([first, third])), ("west", sorted([first, second]))]


@pytest.mark.slow
def test_a_region_with_one_class_is_named(run: Run, scene: Scene, tmp_path: Path) -> None:
    regions = halves(scene, tmp_path / "regions.gpkg", ["west", "east"])
    labels = [scene.class_codes[1] if i % 8 < 2 else scene.class_codes[0] for i in range(32)]
    answer = run(labels, settings=[f"chain.region_path={regions}"], last=8)
    assert answer.code == 1
    assert "model_east_seed_0" in answer.err
    assert f"are of class {scene.class_codes[0]}: a model needs two classes" in answer.err


def test_regions_that_overlap(run: Run, scene: Scene, out: Path, tmp_path: Path) -> None:
    regions = halves(scene, tmp_path / "regions.gpkg", ["2", "1"], overlap=100)
    assert run(labels_of(scene, 32), settings=[f"chain.region_path={regions}"]).code == 0
    assert [(item, remedy) for subject, item, _, remedy in findings(out) if subject == "region"] == [
        ("1 and 2", "pixels there belong to 1")
    ]
    west, _, _ = corner(scene)
    ((east_of_middle,),) = ask(
        out, f"SELECT DISTINCT region FROM candidate WHERE (grid_column + 0.5) * {RESOLUTION} > {west + 480}"
    )
    assert east_of_middle == "1"


def test_regions_without_a_name(run: Run, scene: Scene, tmp_path: Path) -> None:
    regions = halves(scene, tmp_path / "regions.gpkg", ["1", None])
    answer = run(labels_of(scene, 12), settings=[f"chain.region_path={regions}"])
    assert answer.code == 2
    assert "region 2: has nothing in field region (name it or remove it)" in answer.err


def test_erode_keeps_the_inner_pixels(run: Run, scene: Scene, out: Path) -> None:
    assert run(labels_of(scene, 12), settings=["arg_train.erode=15"]).code == 0
    assert pixels(out) == dict.fromkeys(range(1, 13), (SIDE - 2) ** 2)
    assert ask(out, "SELECT min(edge_distance) FROM candidate") == [(15.0,)]
    answer = run(labels_of(scene, 12), settings=["arg_train.erode=500"])
    assert answer.code == 2
    assert "parcels.gpkg can be used" in answer.err
    assert "arg_train.erode" in answer.err


def test_cloud_threshold(run: Run, scene: Scene, out: Path) -> None:
    assert run(labels_of(scene, 24)).code == 0
    clear = dict(ask(out, "SELECT n_valid, count(*) FROM candidate GROUP BY ALL"))
    threshold = max(clear)
    assert len(clear) > 1
    assert run(labels_of(scene, 24), settings=[f"chain.cloud_threshold={threshold}"]).code == 0
    assert dict(ask(out, "SELECT n_valid, count(*) FROM candidate GROUP BY ALL")) == {threshold: clear[threshold]}


def test_group_field_keeps_groups_together(run: Run, scene: Scene, out: Path) -> None:
    villages = [f"v{i // 4 % 3}" if i % 8 else None for i in range(24)]
    answer = run([scene.class_codes[0]] * 24, settings=["arg_train.group_field=village"], village=villages)
    assert answer.code == 0
    rows = ask(
        out,
        """SELECT group_name, count(DISTINCT split), count(*) FROM polygon_split JOIN polygon USING (polygon_id)
        WHERE group_name IS NOT NULL GROUP BY ALL""",
    )
    assert len(rows) == 3
    assert all(n == 1 for _, n, _ in rows)
    answer = run([scene.class_codes[0]] * 24, settings=["arg_train.group_field=vilage"], village=villages)
    assert answer.code == 2
    assert "did you mean village?" in answer.err


def test_min_distance_keeps_neighbours_together(run: Run, scene: Scene, out: Path) -> None:
    # Pairs whose members are 40 m apart, and 160 m from the next pair.
    places = [row * 8 + column for row in (0, 2, 4) for column in (0, 1, 3, 4, 6, 7)]
    shapes = [parcel(scene, i) for i in places]
    assert (PITCH - SIDE) * RESOLUTION == 40
    assert run([scene.class_codes[0]] * len(places), shapes, settings=["arg_train.min_distance=50"]).code == 0
    groups = ask(
        out, "SELECT group_id, list(polygon_id ORDER BY polygon_id) FROM polygon_group GROUP BY ALL ORDER BY 1"
    )
    assert groups == [(i, [i, i + 1]) for i in range(1, len(places), 2)]
    rows = ask(out, "SELECT group_id, count(DISTINCT split) FROM polygon_split GROUP BY ALL")
    assert {n for _, n in rows} == {1}
    ((nearest,),) = ask(out, "SELECT min(distance) FROM polygon_distance")
    assert nearest == pytest.approx(160)


@pytest.mark.slow
def test_codes_beyond_255_make_wide_maps(run: Run, scene: Scene, out: Path, tmp_path: Path) -> None:
    nomenclature = tmp_path / "nomenclature.txt"
    nomenclature.write_text("one:300\ntwo:65535\n")
    settings = [f"chain.nomenclature_path={nomenclature}", f"chain.color_table={tmp_path / 'colors.txt'}"]
    (tmp_path / "colors.txt").write_text("300 1 2 3\n65535 4 5 6\n")
    assert run([300, 65535] * 10, settings=settings, last=MOSAIC).code == 0
    with rasterio.open(out / "final" / "Classif_Seed_0.tif") as source:
        assert source.dtypes == ("uint16",)
        assert set(source.read(1).ravel()) <= {0, 300, 65535}


@pytest.mark.slow
def test_all_learn_and_validate(run: Run, scene: Scene, out: Path) -> None:
    """iota2's split_ground_truth False: called by its name in the results."""
    answer = run(labels_of(scene, 12), settings=["arg_train.split_ground_truth=False"], last=ALL)
    assert answer.code == 0, answer.err
    assert ask(out, "SELECT DISTINCT split FROM polygon_split") == [("learn",)]
    assert "resubstitution" in (out / "final" / "RESULTS.txt").read_text().lower()


def test_check_lists_all_at_once(i2db: Command, scene: Scene, tmp_path: Path) -> None:
    labels = [*labels_of(scene, 9), 0, None, 4711]
    path = ground_truth(scene, tmp_path / "parcels.gpkg", labels)
    regions = halves(scene, tmp_path / "regions.gpkg", ["1", None])
    colors = tmp_path / "colors.txt"
    colors.write_text("1 2 3\n")
    settings = [f"chain.ground_truth={path}", f"chain.region_path={regions}", f"chain.color_table={colors}"]
    options = [option for setting in settings for option in ("--set", setting)]
    answer = i2db("check", scene.config, *options)
    assert answer.code == 2
    for message in ("colors.txt:1", "has nothing in field region"):
        assert message in answer.out
    colors.unlink()
    answer = i2db("check", scene.config, *options[:-2])
    assert answer.code == 2
    for message in ("has the label 0", "has no label", "4711, which the nomenclature does not know"):
        assert message in answer.out


def test_check_writes_a_repaired_copy(i2db: Command, scene: Scene, tmp_path: Path) -> None:
    left, bottom, right, top = parcel(scene, 0).bounds
    crossed = shapely.Polygon([(left, bottom), (right, top), (right, bottom), (left, top)])
    path = ground_truth(scene, tmp_path / "parcels.gpkg", labels_of(scene, 3), [crossed, parcel(scene, 1), None])
    before = path.read_bytes()
    fixed = tmp_path / "fixed.gpkg"
    setting = ["--set", f"chain.ground_truth={path}"]
    assert i2db("check", scene.config, *setting, "--fix", fixed).code == 0
    assert path.read_bytes() == before
    frame = geopandas.read_file(fixed)
    assert len(frame) == 2
    assert frame.geometry.is_valid.all()
    assert i2db("check", scene.config, *setting, "--fix", fixed).code == 2
