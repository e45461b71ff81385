"""Applications on maps of classes: by hand, by slow loops, and against OTB."""

from __future__ import annotations

import itertools
from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio.features
import shapely
from affine import Affine
from app_tools import LEFT, TOP, corner, numbers, otb, read, write

from i2db.apps import create
from i2db.errors import ConfigError, ContractError, InputError
from i2db.raster.fusion import beliefs, dempster_shafer, vote
from i2db.raster.regularise import ball, regularise


@pytest.fixture
def maps(tmp_path: Path) -> list[Path]:
    """Three maps of five labels and no data (0), 60 x 40 pixels."""
    random = np.random.default_rng(3)
    shares = [0.1, 0.3, 0.3, 0.2, 0.1]
    return [
        write(tmp_path / f"map_{k}.tif", random.choice([0, 1, 2, 3, 5], p=shares, size=(40, 60)).astype("uint8"))
        for k in range(3)
    ]


# Fusion


def test_votes_by_hand() -> None:
    said = np.array([[1, 1, 0, 0, 1, 0, 4], [2, 1, 0, 2, 2, 0, 4], [3, 2, 2, 2, 0, 0, 3]])[:, np.newaxis]
    np.testing.assert_array_equal(vote(said, nodata=0, undecided=9), [[9, 1, 2, 2, 9, 0, 4]])


def test_majority_voting_is_otb_s_where_all_have_data(tmp_path: Path, maps: list[Path]) -> None:
    otb("FusionOfClassifications", "-il", *maps, "-undecidedlabel", 7, "-out", tmp_path / "otb.tif")
    create(
        "FusionOfClassifications", {"il": maps, "undecidedlabel": 7, "out": tmp_path / "own.tif"}
    ).ExecuteAndWriteOutput()
    said = np.stack([read(path)[0] for path in maps])
    complete = (said != 0).all(axis=0)
    own, other = read(tmp_path / "own.tif")[0], read(tmp_path / "otb.tif")[0]
    np.testing.assert_array_equal(own[complete], other[complete])
    assert (own[(said == 0).sum(axis=0) == 2] == said.max(axis=0)[(said == 0).sum(axis=0) == 2]).all()


def matrices(folder: Path) -> list[Path]:
    """Confusion matrices of three classifiers; one never finds label 5."""
    produced = ["1,2,3,5", "1,2,3,9", "1,2,3,5"]
    rows = [
        "50,3,2,5\n4,60,6,0\n1,9,70,2\n6,1,1,12\n",
        "40,13,2,5\n4,50,16,0\n1,9,70,2\n6,1,1,2\n",
        "55,3,1,2\n14,50,0,6\n1,0,81,0\n6,1,0,13\n",
    ]
    head = "#Reference labels (rows):1,2,3,5\n#Produced labels (columns):"
    texts = [f"{head}{labels}\n{counts}" for labels, counts in zip(produced, rows, strict=True)]
    paths = []
    for number, text in enumerate(texts):
        paths.append(folder / f"matrix_{number}.csv")
        paths[-1].write_text(text)
    return paths


@pytest.mark.parametrize("measure", ["precision", "recall", "accuracy", "kappa"])
def test_dempster_shafer_is_otb_s(tmp_path: Path, maps: list[Path], measure: str) -> None:
    files = matrices(tmp_path)
    words = ["-method", "dempstershafer", "-method.dempstershafer.cmfl", *files, "-method.dempstershafer.mob", measure]
    otb("FusionOfClassifications", "-il", *maps, *words, "-undecidedlabel", 7, "-out", tmp_path / "otb.tif")
    parameters = {"method": "dempstershafer", "method.dempstershafer.cmfl": files, "method.dempstershafer.mob": measure}
    create(
        "FusionOfClassifications", {"il": maps, "undecidedlabel": 7, "out": tmp_path / "own.tif", **parameters}
    ).ExecuteAndWriteOutput()
    np.testing.assert_array_equal(read(tmp_path / "own.tif"), read(tmp_path / "otb.tif"))


def test_beliefs_by_hand() -> None:
    counts = np.array([[8, 2], [1, 9]])
    assert beliefs(counts, [4, 6], "precision") == {4: 8 / 9, 6: 9 / 11}
    assert beliefs(counts, [4, 6], "recall") == {4: 0.8, 6: 0.9}
    assert beliefs(counts, [4, 6], "accuracy") == {4: 0.85, 6: 0.85}
    assert beliefs(counts, [4, 6], "kappa")[4] == pytest.approx((0.85 - 0.5) / 0.5)
    with pytest.raises(ContractError):
        beliefs(counts, [4], "kappa")


def test_dempster_s_rule_by_subsets() -> None:
    """Against the rule itself: masses over subsets of the labels, combined pair by pair."""

    def combine(one: dict[frozenset, float], other: dict[frozenset, float]) -> dict[frozenset, float]:
        found: dict[frozenset, float] = {}
        for (a, p), (b, q) in itertools.product(one.items(), other.items()):
            if a & b:
                found[a & b] = found.get(a & b, 0) + p * q
        total = sum(found.values())
        return {subset: mass / total for subset, mass in found.items()}

    random = np.random.default_rng(2)
    labels = (1, 2, 3)
    believed = [{label: float(random.uniform(0.3, 0.95)) for label in labels} for _ in range(4)]
    everything = frozenset(labels)
    for said in itertools.product(labels, repeat=4):
        masses: dict[frozenset, float] | None = None
        for label, mass in zip(said, believed, strict=True):
            own = {frozenset({label}): mass[label], everything - {label}: 1 - mass[label]}
            masses = own if masses is None else combine(masses, own)
        assert masses is not None
        belief = {label: masses.get(frozenset({label}), 0.0) for label in set(said)}
        expected = max(belief, key=lambda label: belief[label])
        found = dempster_shafer(np.array(said).reshape(4, 1, 1), believed, nodata=0, undecided=9)
        assert found[0, 0] == expected


def test_certain_and_unbelieved_labels() -> None:
    believed = [{1: 1.0, 2: 0.5}, {1: 0.5, 2: 1.0}, {1: 0.0, 2: 0.0}]
    said = np.array([[1, 1, 2, 0, 0], [1, 2, 1, 0, 0], [2, 1, 2, 1, 0]])[:, np.newaxis]
    np.testing.assert_array_equal(dempster_shafer(said, believed, undecided=9), [[1, 9, 9, 9, 0]])


# Regularisation


def test_balls() -> None:
    assert ball(1).sum() == 9
    assert ball(2).sum() == 21
    assert ball(3).sum() == 37


@pytest.mark.parametrize(
    "words",
    [
        {},
        {"ip.radius": 2, "ip.suvbool": True, "ip.undecidedlabel": 9},
        {"ip.radius": 3, "ip.nodatalabel": 2},
        {"ip.radius": 1, "ip.onlyisolatedpixels": True},
        {"ip.radius": 2, "ip.onlyisolatedpixels": True, "ip.isolatedthreshold": 4, "ip.suvbool": True},
    ],
)
def test_regularisation_is_otb_s(tmp_path: Path, maps: list[Path], words: dict[str, object]) -> None:
    given = [word for key, value in words.items() for word in (f"-{key}", int(value))]  # type: ignore[call-overload]
    otb("ClassificationMapRegularization", "-io.in", maps[0], "-io.out", tmp_path / "otb.tif", *given)
    create(
        "ClassificationMapRegularization", {"io.in": maps[0], "io.out": tmp_path / "own.tif", **words}
    ).ExecuteAndWriteOutput()
    np.testing.assert_array_equal(read(tmp_path / "own.tif"), read(tmp_path / "otb.tif"))


def test_regularised_by_a_slow_loop() -> None:
    random = np.random.default_rng(5)
    labels = random.choice([0, 3, 4, 700], size=(30, 26))
    found = regularise(np.pad(labels, 2), 2)
    rows, columns = np.nonzero(ball(2))
    for row, column in itertools.product(range(30), range(26)):
        if labels[row, column] == 0:
            assert found[row, column] == 0
            continue
        places = [(row + r - 2, column + c - 2) for r, c in zip(rows, columns, strict=True)]
        near = [labels[r, c] for r, c in places if 0 <= r < 30 and 0 <= c < 26 and labels[r, c]]
        names, n = np.unique(near, return_counts=True)
        best = names[n == n.max()]
        assert found[row, column] == (best[0] if len(best) == 1 else labels[row, column])


def test_no_seams_between_windows(tmp_path: Path, maps: list[Path]) -> None:
    image = create("ClassificationMapRegularization", {"io.in": maps[0], "ip.radius": 3}).image
    whole = image.read(image.window)
    pieces = image.windows(20_000)
    assert len(pieces) > 3
    for window in pieces:
        np.testing.assert_array_equal(image.read(window), whole[(slice(None), *window.slices_in(image.window))])


# Rasterization and confusion


@pytest.fixture
def polygons(tmp_path: Path) -> Path:
    random = np.random.default_rng(11)
    shapes = []
    for _ in range(25):
        x, y = LEFT + random.uniform(0, 600), TOP - random.uniform(0, 400)
        shapes.append(shapely.affinity.rotate(shapely.box(x - 43, y - 31, x + 40, y + 28), random.uniform(0, 90)))
    codes = random.choice([1, 2, 3, 5, 8], size=25)
    frame = geopandas.GeoDataFrame({"code": codes, "text": codes.astype(str)}, geometry=shapes, crs="EPSG:32631")
    frame.to_file(tmp_path / "reference.shp")
    return tmp_path / "reference.shp"


@pytest.mark.parametrize("mode", [{}, {"mode": "attribute", "mode.attribute.field": "code", "background": -1}])
def test_rasterization_is_otb_s(tmp_path: Path, maps: list[Path], polygons: Path, mode: dict[str, object]) -> None:
    given = [word for key, value in mode.items() for word in (f"-{key}", value)]
    otb("Rasterization", "-in", polygons, "-im", maps[0], "-out", tmp_path / "otb.tif", *given)
    create(
        "Rasterization", {"in": polygons, "im": maps[0], "out": tmp_path / "own.tif", **mode}
    ).ExecuteAndWriteOutput()
    np.testing.assert_array_equal(read(tmp_path / "own.tif"), read(tmp_path / "otb.tif"))
    assert corner(tmp_path / "own.tif") == corner(tmp_path / "otb.tif")


def test_rasterization_on_pixels_of_its_own(tmp_path: Path, polygons: Path) -> None:
    app = create(
        "Rasterization", {"in": polygons, "spx": 5, "spy": -5, "out": tmp_path / "own.tif", "pixType": "uint8"}
    )
    app.ExecuteAndWriteOutput()
    frame = geopandas.read_file(polygons)
    left, bottom, right, top = frame.total_bounds
    found = read(tmp_path / "own.tif")[0]
    assert found.shape == (int(np.ceil((top - bottom) / 5)), int(np.ceil((right - left) / 5)))
    transform = Affine(5, 0, left, 0, -5, top)
    expected = rasterio.features.rasterize(frame.geometry, found.shape, transform=transform, default_value=255)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("layout", ["confusionmatrix", "contingencytable"])
def test_confusion_with_polygons_is_otb_s(tmp_path: Path, maps: list[Path], polygons: Path, layout: str) -> None:
    words = ["-ref", "vector", "-ref.vector.in", polygons, "-ref.vector.field", "code", "-format", layout]
    otb("ComputeConfusionMatrix", "-in", maps[0], "-out", tmp_path / "otb.csv", *words, "-nodatalabel", 0)
    parameters = {"ref": "vector", "ref.vector.in": polygons, "ref.vector.field": "text", "format": layout}
    app = create(
        "ComputeConfusionMatrix", {"in": maps[0], "out": tmp_path / "own.csv", "nodatalabel": 0, "ram": 1, **parameters}
    )
    app.ExecuteAndWriteOutput()
    assert (tmp_path / "own.csv").read_text().rstrip() == (tmp_path / "otb.csv").read_text().rstrip()


def test_confusion_with_a_raster_counts_every_error(tmp_path: Path) -> None:
    reference = write(tmp_path / "reference.tif", np.array([[1, 1, 1, 2, 2, 2, 2, 2, 2, 0]], dtype="uint8"))
    found = write(tmp_path / "map.tif", np.array([[1, 1, 3, 2, 2, 3, 3, 3, 1, 2]], dtype="uint8"))
    common = ["-in", found, "-ref", "raster", "-ref.raster.in", reference, "-ref.raster.nodata", 0]
    app = create(
        "ComputeConfusionMatrix",
        {"in": found, "ref.raster.in": reference, "ref.raster.nodata": 0, "out": tmp_path / "own.csv"},
    )
    app.Execute()
    # OTB tells 4 of 5: it forgets the four pixels of label 3, which the reference does not have.
    assert "9 pixels, overall accuracy 0.4444" in app.messages[0]
    text = "#Reference labels (rows):1,2\n#Produced labels (columns):1,2,3\n2,0,1\n1,2,3\n"
    assert (tmp_path / "own.csv").read_text() == text
    otb("ComputeConfusionMatrix", *common, "-out", tmp_path / "otb.csv")
    assert (tmp_path / "otb.csv").read_text() == text


def test_bad_maps_are_told(tmp_path: Path, maps: list[Path], polygons: Path) -> None:
    halves = write(tmp_path / "halves.tif", numbers((40, 60)))
    large = write(tmp_path / "large.tif", np.full((40, 60), 300, dtype="int16"))
    two = write(tmp_path / "two.tif", np.ones((2, 40, 60), dtype="uint8"))
    (tmp_path / "wrong.csv").write_text("a,b\n1,2\n")
    out = {"out": tmp_path / "out.tif"}
    confusion = {"in": maps[0], "out": tmp_path / "out.csv"}
    belief = {"method": "dempstershafer", "method.dempstershafer.cmfl": [tmp_path / "wrong.csv"]}
    (tmp_path / "latin.csv").write_bytes(b"\xe9\n")
    image = belief | {"method.dempstershafer.cmfl": [tmp_path / "latin.csv"]}
    cases: list[tuple[type[Exception], str, str, dict[str, object]]] = [
        (InputError, "no label of a class", "FusionOfClassifications", {"il": [maps[0], halves], **out}),
        (InputError, r"label 300 does not fit .* \(0 to 255\)", "FusionOfClassifications", {"il": [large], **out}),
        (InputError, "2 bands", "FusionOfClassifications", {"il": [two], **out}),
        (InputError, "is no text that can be read", "FusionOfClassifications", {"il": maps[:1], **out, **image}),
        (ConfigError, "1 confusion matrices for 2 maps", "FusionOfClassifications", {"il": maps[:2], **out, **belief}),
        (InputError, "is no confusion matrix", "FusionOfClassifications", {"il": maps[:1], **out, **belief}),
        (ConfigError, "at least 1", "ClassificationMapRegularization",
         {"io.in": maps[0], "io.out": tmp_path / "out.tif", "ip.radius": 0}),
        (ConfigError, "needs -ref.raster.in", "ComputeConfusionMatrix", confusion),
        (InputError, "has no field label", "ComputeConfusionMatrix",
         {**confusion, "ref": "vector", "ref.vector.in": polygons, "ref.vector.field": "label"}),
        (ConfigError, "needs -im, or -spx and -spy", "Rasterization", {"in": polygons, **out}),
        (ConfigError, "without effect", "Rasterization", {"in": polygons, "im": maps[0], "spx": 5, **out}),
        (InputError, "has no field DN", "Rasterization", {"in": polygons, "im": maps[0], "mode": "attribute", **out}),
    ]  # fmt: skip
    before = set(tmp_path.iterdir())
    for kind, message, name, parameters in cases:
        with pytest.raises(kind, match=message):
            create(name, parameters).ExecuteAndWriteOutput()
        assert set(tmp_path.iterdir()) == before, message
