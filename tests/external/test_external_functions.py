"""A user's module: loaded, tried, and told of with function, file and line where it cannot be used."""

from __future__ import annotations

import datetime
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from i2db.errors import ConfigError, InputError
from i2db.external import radius
from i2db.external.access import Access, SensorSource, getters
from i2db.external.call import Function
from i2db.external.module import load_module
from i2db.external.plan import Wish, function_group
from i2db.external.probe import Setting, probe
from i2db.raster.features import Feature
from i2db.sensors.declaration import load_sensor

SENSOR = load_sensor("Sentinel2")
DATES = tuple(datetime.date(2018, 1, 1) + datetime.timedelta(days=30 * k) for k in range(7))
RAW = tuple(datetime.date(2018, 1, 3) + datetime.timedelta(days=17 * k) for k in range(11))
SOURCE = SensorSource(sensor=SENSOR, kept=SENSOR.band_names, dates=DATES, raw_dates=RAW)

LAPLACE = '''
from scipy.ndimage import laplace
import numpy as np
def laplace_ndvi(self):
    """laplacian filter over date-averaged ndvi"""
    # gets ndvi of the chunk for all dates (x,y,t)
    ndvi = self.get_interpolated_Sentinel2_NDVI()
    # average over dates
    mean_ndvi = np.mean(ndvi, axis=2)
    # apply laplace filter
    filtered = laplace(mean_ndvi, mode="constant")
    return (filtered, ["laplace_ndvi"])
'''


def written(folder: Path, text: str, name: str = "custom_code.py") -> Path:
    path = folder / name
    path.write_text("import numpy as np\n" + text, encoding="utf-8")
    return path


def wish(path: Path | None, *names: str, **options) -> Wish:
    functions = tuple((name, {}) if isinstance(name, str) else name for name in names)
    return Wish(functions=functions, module=path, **options)


def group(path: Path | None, *names: str, notes: list[str] | None = None, others=(), raw=None, **options):
    raw_dates = raw or {"T": {"Sentinel2": RAW}}
    return function_group(
        wish(path, *names, **options), [SOURCE], {"mnt": 2}, raw_dates, others, notes if notes is not None else []
    )


def test_laplace_of_the_labwork_is_taken_as_it_is(tmp_path) -> None:
    path, notes = written(tmp_path, LAPLACE), []
    found = group(path, "laplace_ndvi", notes=notes)
    assert [feature.name for feature in found.features] == ["laplace_ndvi"]
    assert found.bands == {"Sentinel2": ("B4", "B8")}
    assert found.margin == 0
    (note,) = notes
    assert note == (
        "function laplace_ndvi: its numbers depend on pixels 1 around; cuts will show unless it declares radius 1, or "
        "padding_size_x and padding_size_y are 1"
    )
    padded, notes = group(path, "laplace_ndvi", padding=(1, 2), notes=notes), []
    assert padded.margin == 2
    assert padded.functions[0].margin == (1, 2)
    assert not notes


def test_windows_are_fixed_only_where_numbers_depend_on_them(tmp_path) -> None:
    path = written(
        tmp_path, LAPLACE + "def total(self):\n    a = self.get_Sentinel2_B4()\n    return a / a.sum(), []\n"
    )
    assert group(path, "get_ndvi").window_pixels is None
    assert group(path, "laplace_ndvi", padding=(1, 1)).window_pixels == 2**17
    assert group(path, "laplace_ndvi").window_pixels == 2**17
    assert group(path, "laplace_ndvi", has_user_chunks=True).window_pixels > 10980**2
    notes: list[str] = []
    assert group(path, "total", padding=(1, 1), has_user_chunks=True, notes=notes).window_pixels == 2**17
    assert "depend on pixels far beyond its margin of 1" in notes[0]


def test_a_declared_radius_is_a_margin(tmp_path) -> None:
    text = """
from i2db.external import radius
@radius(3)
def smooth(self):
    from scipy.ndimage import uniform_filter
    return uniform_filter(self.get_interpolated_Sentinel2_B4()[:, :, 0], 7), ["smooth"]
def rough(self):
    return self.get_interpolated_Sentinel2_B4(), []
rough.radius = 1
"""
    path = written(tmp_path, text)
    notes: list[str] = []
    found = group(path, "smooth", "rough", notes=notes, padding=(2, 0))
    assert [function.margin for function in found.functions] == [(3, 3), (2, 1)]
    # Filters reach the edge of the window there and mirror it; within their radius they are the same.
    assert notes == []
    with pytest.raises(ValueError, match="whole number of pixels"):
        radius(-1)


def test_only_what_is_asked_for_is_read(tmp_path) -> None:
    text = """
def one(self):
    return self.get_interpolated_Sentinel2_B2()[:, :, :1], ["one"]
def bright(self):
    return self.get_Sentinel2_Brightness(), []
def masks(self):
    return self.get_raw_Sentinel2_masks().sum(axis=2), ["masks"]
def elevation(self):
    return self.get_user_features_mnt()[:, :, 1], ["elevation"]
"""
    path = written(tmp_path, text)
    assert group(path, "one").bands == {"Sentinel2": ("B2",)}
    assert group(path, "bright").bands == {"Sentinel2": SENSOR.band_names}
    # Masks need a band, to know where the files lie.
    assert group(path, "masks").bands == {"Sentinel2": SENSOR.band_names[:1]}
    assert group(path, "masks").accesses == (Access("masks", "Sentinel2"),)
    found = group(path, "elevation")
    assert (found.bands, found.rasters) == ({}, ("mnt",))


def test_labels(tmp_path) -> None:
    text = """
from i2db.external import I2Label, I2TemporalLabel
class Foreign:
    sensor_name, feat_name, date = "Sentinel2", "X", "20180203"
def dated(self):
    a = self.get_interpolated_Sentinel2_B4()
    return a, [I2TemporalLabel("Sentinel2", "CRswir", date) for date in self.interpolated_dates["Sentinel2"]]
def mixed(self):
    a = self.get_interpolated_Sentinel2_B4()[:, :, :3]
    return a, [I2Label("Sentinel2", "Mean"), " plain ", Foreign()]
def unnamed(self):
    return self.get_interpolated_Sentinel2_B4()[:, :, :2], []
"""
    found = group(written(tmp_path, text), "dated", "mixed", "unnamed").features
    assert found[1] == Feature(
        name="sentinel2_crswir_20180131", sensor="Sentinel2", band="CRswir", unit="", scale=1.0, date=DATES[1]
    )
    assert [(each.name, each.sensor, each.band, each.date) for each in found[7:]] == [
        ("sentinel2_mean", "Sentinel2", "Mean", None),
        ("plain", "Sentinel2", "plain", None),
        ("sentinel2_x_20180203", "Sentinel2", "X", datetime.date(2018, 2, 3)),
        ("custFeat_3_b1", "Sentinel2", "custFeat_3_b1", None),
        ("custFeat_3_b2", "Sentinel2", "custFeat_3_b2", None),
    ]


BROKEN = {
    "raises": (
        "def f(self):\n    a = 1\n    return a / 0, []\n",
        r"function f fails: \S+custom_code.py:4: ZeroDivisionError",
    ),
    "nothing": (
        "def f(self):\n    self.get_Sentinel2_B4()\n",
        r"f \(\S+:2\) must return \(array, labels\), not nothing",
    ),
    "flat": (
        "def f(self):\n    return np.zeros(3), []\n",
        r"f \(\S+:2\) returns an array of shape \(3,\) for a window of",
    ),
    "dates first": (
        "def f(self):\n    return np.moveaxis(self.get_Sentinel2_B4(), 2, 0), []\n",
        r"returns an array of shape \(7, 21, 26\) for a window of 21 rows and 26 columns",
    ),
    "labels": ("def f(self):\n    return self.get_Sentinel2_B4(), ['a', 'b']\n", "returns 2 labels for 7 features"),
    "label": ("def f(self):\n    return self.get_Sentinel2_B4()[:, :, 0], [3]\n", "has 3, which is neither a text nor"),
    "text": ("def f(self):\n    return self.get_Sentinel2_B4()[:, :, 0], 'a'\n", "its labels as a list, not a str"),
    "list": ("def f(self):\n    return self.get_Sentinel2_B4().tolist(), []\n", "its array is a list"),
    "complex": ("def f(self):\n    return self.get_Sentinel2_B4() * 1j, []\n", "complex64, which are no real numbers"),
    "nan": (
        "def f(self):\n    return np.sqrt(self.get_Sentinel2_NDVI() / 1000), []\n",
        r"f \(\S+custom_code.py:2\) returns NaN or infinite numbers in \d of 7 features",
    ),
    "nonsense": (
        "def f(self):\n    return np.exp(self.get_Sentinel2_B4().astype(float) / 10), []\n",
        "1e38|cannot hold",
    ),
    "getter": (
        "def f(self):\n    return self.get_interpolated_Sentinel2_B14(), []\n",
        r"custom_code.py:3: there is no self.get_interpolated_Sentinel2_B14\n  hint: the nearest are get_interp",
    ),
    "case": (
        "def f(self):\n    return self.get_interpolated_sentinel2_ndvi(), []\n",
        "the nearest are get_interpolated_Sentinel2_NDVI$",
    ),
    "sensor": (
        "def f(self, sensor='Modis'):\n    return getattr(self, f'get_interpolated_{sensor}_B4')(), []\n",
        r'the sensor as an argument, and the configuration has Sentinel2: .*\[\["f", \{"sensor": "Sentinel2"\}\]\]$',
    ),
    "band": (
        "def f(self, sensor='Sentinel2'):\n    return getattr(self, f'get_interpolated_{sensor}_B14')(), []\n",
        r"no self.get_interpolated_Sentinel2_B14\n  hint: the nearest are get_interp",
    ),
    "raster": (
        "def f(self):\n    return self.get_user_features_slope()[:, :, 0], []\n",
        r"no self.get_user_features_slope: rasters are mnt\n  hint: chain.user_feat_path with",
    ),
    "radius": ("def f(self):\n    return self.get_Sentinel2_B4(), []\nf.radius = 1.5\n", "declares radius 1.5"),
    "arguments": (
        "def f(self, size):\n    return self.get_Sentinel2_B4(), []\n",
        "missing 1 required positional argument",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_cannot_be_used_is_told_before_anything_is_read(tmp_path, case: str) -> None:
    text, message = BROKEN[case]
    with pytest.raises(InputError, match=message):
        group(written(tmp_path, text), "f")


def test_modules_that_do_not_import(tmp_path) -> None:
    with pytest.raises(InputError, match=r"module \S+custom_code.py cannot be read: No such file"):
        group(tmp_path / "custom_code.py", "f")
    with pytest.raises(InputError, match=r"cannot be imported: \S+custom_code.py:2: SyntaxError"):
        group(written(tmp_path, "def f(self:\n"), "f")
    with pytest.raises(InputError, match=r"custom_code.py:2: ModuleNotFoundError(.|\n)*put no_such_module.py beside"):
        group(written(tmp_path, "import no_such_module\n"), "f")
    with pytest.raises(InputError, match=r"from i2db.external import I2Label, I2TemporalLabel"):
        group(written(tmp_path, "from iota2.learning.utils import I2TemporalLabel\n"), "f")
    with pytest.raises(InputError, match=r"no function get_sio(.|\n)*did you mean get_soi"):
        group(None, "get_sio")
    with pytest.raises(InputError, match=r"nor among those of i2db(.|\n)*did you mean laplace_ndvi"):
        group(written(tmp_path, LAPLACE), "laplace_ndvy")


def test_an_environment_below_the_folder_of_a_module_is_no_part_of_it(tmp_path, monkeypatch) -> None:
    installed = tmp_path / "environment" / "lib"
    (installed / "i2db_test_installed").mkdir(parents=True)
    (installed / "i2db_test_installed" / "__init__.py").write_text("FACTOR = 2\n", encoding="utf-8")
    (tmp_path / "i2db_test_beside").mkdir()
    (tmp_path / "i2db_test_beside" / "__init__.py").write_text("FACTOR = 3\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(installed))
    text = "import i2db_test_beside\nimport i2db_test_installed\ndef f(self):\n    return self.get_Sentinel2_B4(), []\n"
    path = written(tmp_path, text)
    first = load_module(path)
    assert "i2db_test_installed" in sys.modules
    assert "i2db_test_beside" not in sys.modules
    # Where it is loaded for the second time, in another process, what is installed may be there already.
    (tmp_path / "i2db_test_beside" / "__init__.py").write_text("FACTOR = 33\n", encoding="utf-8")
    second = load_module(path)
    assert second.digest != first.digest
    (tmp_path / "i2db_test_beside" / "__init__.py").write_text("FACTOR = 3\n", encoding="utf-8")
    assert load_module(path).digest == first.digest
    monkeypatch.delitem(sys.modules, "i2db_test_installed")


def test_what_ends_the_program_or_imports_late_is_told(tmp_path) -> None:
    (tmp_path / "i2db_late_helper.py").write_text("FACTOR = 2\n", encoding="utf-8")
    text = "def f(self):\n    import i2db_late_helper\n    return self.get_Sentinel2_B4(), []\n"
    with pytest.raises(InputError, match=r"custom_code.py:3: ModuleNotFoundError") as found:
        group(written(tmp_path, text), "f")
    assert "import i2db_late_helper at the top of custom_code.py" in str(found.value.hint)
    with pytest.raises(InputError, match=r"custom_code.py:3: SystemExit: 3"):
        group(written(tmp_path, "def f(self):\n    raise SystemExit(3)\n"), "f")
    with pytest.raises(InputError, match=r"custom_code.py:2: SystemExit: 4"):
        group(written(tmp_path, "raise SystemExit(4)\n"), "f")


def test_a_label_of_a_column_that_is_always_there(tmp_path) -> None:
    path = written(tmp_path, "def f(self):\n    return self.get_Sentinel2_B4()[:, :, 0], ['Sample_ID']\n")
    wanted = wish(path, "f")
    with pytest.raises(ConfigError, match="label Sample_ID of function f is taken already, by a column"):
        function_group(wanted, [SOURCE], {}, {"T": {"Sentinel2": RAW}}, (), [], ("sample_id",))


def test_a_label_used_twice(tmp_path) -> None:
    path = written(
        tmp_path,
        "def f(self):\n    return self.get_Sentinel2_B4()[:, :, 0], ['Same']\n"
        "def g(self):\n    return self.get_Sentinel2_B8()[:, :, 0], ['same']\n",
    )
    with pytest.raises(ConfigError, match="label same of function g is taken already, by function f"):
        group(path, "f", "g")
    taken = Feature(name="same", sensor="Sentinel2", band="B2", unit="", scale=1.0)
    with pytest.raises(ConfigError, match="label Same of function f is taken already, by sensor Sentinel2"):
        group(path, "f", others=[taken])


def test_data_mode_access(tmp_path) -> None:
    path = written(tmp_path, "def f(self):\n    return self.get_raw_Sentinel2_B4(), []\n")
    assert group(path, "f", mode="both").features
    assert group(path, "f", mode="raw").features
    with pytest.raises(
        InputError, match=r"self.get_raw_Sentinel2_B4 is not given: python_data_managing.data_mode_access"
    ):
        group(path, "f", mode="gapfilled")
    unfilled = SensorSource(sensor=SENSOR, kept=SENSOR.band_names, dates=(), raw_dates=RAW)
    assert getters([unfilled], [])["get_Sentinel2_B4"] == Access("raw", "Sentinel2", "B4")
    text = "def f(self):\n    return self.get_interpolated_Sentinel2_B4(), []\n"
    with pytest.raises(InputError, match=r"use_gapfilling is False(.|\n)*get_raw_Sentinel2_B4"):
        function_group(wish(written(tmp_path, text), "f"), [unfilled], {}, {"T": {"Sentinel2": RAW}}, [], [])


def test_raw_dates_of_tiles(tmp_path) -> None:
    """Dates that differ between tiles are told of before anything is read, unless they are filled."""
    path = written(
        tmp_path,
        "def f(self):\n    return self.get_raw_Sentinel2_B4(), ['b4_' + d for d in self.raw_dates['Sentinel2']]\n"
        "def g(self):\n    return self.get_raw_Sentinel2_B4().mean(axis=2), ['g']\n",
    )
    raw = {"A": {"Sentinel2": RAW[:5]}, "B": {"Sentinel2": RAW[3:]}}
    with pytest.raises(
        InputError, match=r"function f gives other features where the raw dates are others \(A: 5, B: 8\)"
    ):
        group(path, "f", raw=raw)
    assert [each.name for each in group(path, "f", raw=raw, fills_missing_dates=True).features] == [
        f"b4_{day:%Y%m%d}" for day in RAW
    ]
    assert [each.name for each in group(path, "g", raw=raw).features] == ["g"]


def test_the_hash_is_that_of_the_code_and_of_what_it_imports_beside_it(tmp_path) -> None:
    (tmp_path / "i2db_test_helper.py").write_text("FACTOR = 2\n", encoding="utf-8")
    text = "from i2db_test_helper import FACTOR\ndef f(self):\n    return FACTOR * self.get_Sentinel2_B4(), []\n"
    path = written(tmp_path, text)
    first = group(path, "f")
    assert repr(group(path, "f")) == repr(first)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "i2db_test_helper.py").write_text("FACTOR = 2\n", encoding="utf-8")
    # Where the file lies does not matter.
    assert repr(group(written(elsewhere, text), "f")) == repr(first)
    (elsewhere / "i2db_test_helper.py").write_text("FACTOR = 3\n", encoding="utf-8")
    changed = group(elsewhere / "custom_code.py", "f")
    assert repr(changed) != repr(first)
    with pytest.raises(InputError, match="has changed while the chain was running"):
        Function(name="f", arguments="{}", digest="other", module=str(path)).load()


def test_keyword_arguments(tmp_path) -> None:
    text = """
def weighted(self, weights, label="weighted"):
    bands = ("B2", "B3", "B4", "B8")
    found = sum(w * getattr(self, f"get_interpolated_Sentinel2_{b}")() for w, b in zip(weights, bands))
    return found / sum(weights), [f"{label}_{i + 1}" for i in range(found.shape[2])]
"""
    path = written(tmp_path, text)
    found = group(path, ("weighted", {"weights": [1, 2, 3, 4]}), ("weighted", {"weights": [1, 1, 1, 1], "label": "w"}))
    assert len(found.features) == 14
    assert json.loads(found.functions[0].arguments) == {"weights": [1, 2, 3, 4]}
    assert found.bands == {"Sentinel2": ("B2", "B3", "B4", "B8")}


def test_functions_may_change_what_they_are_given(tmp_path) -> None:
    text = """
def spoil(self):
    a = self.get_Sentinel2_B4()
    a[:] = 0
    return a + self.get_Sentinel2_B4(), []
"""
    path = written(tmp_path, text)
    module = load_module(path)
    result = probe(
        Function(name="spoil", arguments="{}", digest=module.digest, module=str(path)), Setting((SOURCE,), {})
    )
    assert result.reach == 0
    assert result.n_features == len(DATES)


def test_memory_is_measured_per_pixel(tmp_path) -> None:
    text = """
from i2db.external import radius
@radius(1)
def small(self):
    return self.get_Sentinel2_B4()[:, :, :1], []
@radius(1)
def large(self):
    a = np.repeat(self.get_Sentinel2_B4(), 40, axis=2)
    return a.mean(axis=2), []
"""
    path = written(tmp_path, text)
    small, large = (group(path, name).bytes_per_pixel for name in ("small", "large"))
    # 280 copies of 4 bytes.
    assert large - small > 1000
    # And the shared series, the array given, and the sum of the mean.
    assert np.isclose(large, 1120 + 28 + 28, rtol=0.1)
    # Single pixels come in strips: only the numbers grow with the window.
    assert group(path, "get_ndvi").bytes_per_pixel == 4 * len(DATES) + 1


def test_what_lies_beside_a_module_and_is_not_imported_by_it_is_not_looked_at(tmp_path) -> None:
    path = written(tmp_path, "def f(self):\n    return self.get_Sentinel2_B4(), []\n")
    first = load_module(path)
    written(tmp_path, "raise RuntimeError\n", "other.py")
    assert load_module(path) is first
    written(tmp_path, "def f(self):\n    return self.get_Sentinel2_B5(), []\n")
    assert load_module(path) is not first
