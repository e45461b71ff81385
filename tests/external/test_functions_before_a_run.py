"""What is told of functions before anything runs: by `i2db check`, and the getters that a configuration has."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio

from i2db.checks import check_inputs
from i2db.config.reader import load
from i2db.external.catalogue import describe, getters_with_shapes
from i2db.finding import errors
from i2db.function_setting import setting_of
from i2db.report.collect import write_report
from i2db.runner import run_chain
from i2db.simulate import Scene
from i2db.stages.chain import chosen_steps
from i2db.store.database import Database
from scenes import QUICK, Quiet

MODULE = """
import numpy as np

def mean(self):
    return self.get_interpolated_Sentinel2_NDVI().mean(axis=2), ["mean"]

def misspelt(self):
    return self.get_interpolated_Sentinel2_NDVX(), []

def undefined(self):
    return np.full(self.get_interpolated_Sentinel2_B4().shape[:2], np.nan), ["undefined"]

def around(self):
    return np.roll(self.get_interpolated_Sentinel2_B4()[:, :, 0], 2, axis=0), ["around"]

def twin(self):
    return self.get_interpolated_Sentinel2_B4()[:, :, 0], ["mean"]
"""


@pytest.fixture
def module(tmp_path: Path) -> Path:
    path = tmp_path / "code_of_check.py"
    path.write_text(MODULE, encoding="utf-8")
    return path


def checked(scene: Scene, module: Path, functions: str, *settings: str) -> list[tuple[str, str, str]]:
    given = [f"external_features.module={module}", f"external_features.functions={functions}", *settings]
    findings = check_inputs(load(scene.config, [*QUICK, *given]).config)
    return [(found.severity, found.item, found.message) for found in findings if "function" in found.item]


def test_each_function_that_cannot_be_used_is_told(scene: Scene, module: Path) -> None:
    found = checked(scene, module, "mean misspelt undefined")
    assert [(severity, item) for severity, item, _ in found] == [
        ("error", "function misspelt"),
        ("error", "function undefined"),
    ]
    assert f"{module}:8: there is no self.get_interpolated_Sentinel2_NDVX" in found[0][2]
    assert "returns NaN or infinite numbers in 1 of 1 features" in found[1][2]


def test_functions_are_tried_together_too_and_what_a_run_would_note_is_noted(scene: Scene, module: Path) -> None:
    assert checked(scene, module, "mean") == []
    ((severity, _, message),) = checked(scene, module, "mean around")
    assert severity == "note"
    assert "function around: its numbers depend on pixels 2 around" in message
    ((severity, item, message),) = checked(scene, module, "mean twin")
    assert (severity, item) == ("error", "functions")
    assert message == "label mean of function twin is taken already, by function mean"


def test_a_module_that_fails_is_one_problem(scene: Scene, tmp_path: Path) -> None:
    path = tmp_path / "broken_code.py"
    path.write_text("import no_such_library\ndef a(self): ...\ndef b(self): ...\n", encoding="utf-8")
    ((severity, item, message),) = checked(scene, path, "a b")
    assert (severity, item) == ("error", "function a")
    assert "no_such_library" in message


def test_functions_are_tried_though_the_ground_truth_is_broken(scene: Scene, module: Path) -> None:
    config = load(
        scene.config,
        [f"external_features.module={module}", "external_features.functions=misspelt", "chain.data_field=nowhere"],
    ).config
    items = {found.item for found in errors(check_inputs(config))}
    assert items >= {"ground truth", "function misspelt"}


RECORDER = """
import json
from pathlib import Path

def recorder(self, names, path):
    found = {}
    for name in names:
        array = getattr(self, name)()
        found[name] = [array.shape[2], str(array.dtype)]
    # When it is tried, and in the run: the run comes last.
    Path(path).write_text(json.dumps(found))
    return self.get_interpolated_Sentinel2_B4()[:, :, 0], ["recorded"]
"""


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["both", "raw"])
def test_listed_shapes_are_those_of_the_run(scene: Scene, tmp_path: Path, mode: str) -> None:
    """Every getter is called in a run of the map builder: number on the last axis and type are as they were listed."""
    with rasterio.open(next((scene.folder / "s2").glob("*/*/*_FRE_B2.tif"))) as source:
        profile = source.profile
    profile.update(count=3, dtype="float32", width=source.width * 2, nodata=None)
    with rasterio.open(tmp_path / "soil.tif", "w", **profile) as target:
        target.write(np.ones((3, target.height, target.width), dtype=np.float32))
    code = tmp_path / f"recorder_{mode}.py"
    text = RECORDER if mode == "both" else RECORDER.replace("get_interpolated", "get_raw")
    code.write_text(text, encoding="utf-8")
    given = [*QUICK, f"user_feat.files={{'soil': '{tmp_path / 'soil.tif'}'}}", f"external_features.module={code}"]
    given += [f"python_data_managing.data_mode_access={mode}", "builders.builders_class_name=i2_features_map"]
    given += ["external_features.concat_mode=False", "sensors_data_interpolation.fill_missing_dates=True"]
    setting, raw_dates = setting_of(load(scene.config, given).config)
    rows = getters_with_shapes(setting, raw_dates, fills_missing_dates=True)
    listed = {row["getter"].removeprefix("self.").removesuffix("()"): [row["shape"], row["type"]] for row in rows}
    assert ("get_interpolated_Sentinel2_B4" in listed) == (mode == "both")
    out = tmp_path / "shapes.json"
    function = json.dumps([["recorder", {"names": list(listed), "path": str(out)}]])
    loaded = load(scene.config, [*given, f"external_features.functions={function}"])
    run_chain(loaded, tmp_path / "out", chosen_steps(loaded.config), Quiet())
    called = json.loads(out.read_text())
    assert {name: [f"(rows, columns, {n})", kind] for name, (n, kind) in called.items()} == listed
    assert called["get_user_features_soil"] == [3, "float32"]
    assert {row["dates"] for row in rows if row["of"] == "soil"} == {""}


def test_functions_are_listed_with_the_sensors_of_a_configuration(scene: Scene, module: Path) -> None:
    setting, raw_dates = setting_of(load(scene.config, QUICK).config)
    n_dates = len(setting.sources[0].dates)
    rows = {row["function"]: row for row in describe(None, setting)}
    assert rows["get_soi"]["features"] == n_dates
    assert {len(of_tile["Sentinel2"]) for of_tile in raw_dates.values()} == {len(setting.sources[0].raw_dates)}


HOARDER = """
import numpy as np
KEPT = []

def hoarder(self):
    numbers = self.get_interpolated_Sentinel2_B4()[:, :, 0]
    if numbers.shape[0] > 60:  # not when it is tried
        KEPT.append(np.ones(12_000_000))
    return numbers, ["hoarder"]

def plain(self):
    return self.get_raw_Sentinel2_B8()[:, :, 0], ["plain"]
"""


def report_rows(folder: Path) -> dict[str, str]:
    """Rows of the table of functions in the report, by the function."""
    page = (folder / "report.html").read_text(encoding="utf-8")
    table = page[page.index("Functions of the user") :].split("</table>")[0]
    return {row.split("</th>")[0].rsplit(">", 1)[1]: row for row in table.split("<tr>") if "<td" in row}


@pytest.mark.slow
def test_the_report_marks_functions_that_are_slow_or_keep_memory(scene: Scene, tmp_path: Path) -> None:
    code = tmp_path / "hoarding_code.py"
    code.write_text(HOARDER, encoding="utf-8")
    given = [*QUICK, f"external_features.module={code}", "external_features.functions=hoarder plain"]
    loaded = load(scene.config, [*given, "arg_train.runs=1", "external_features.concat_mode=False"])
    folder = tmp_path / "out"
    done = run_chain(loaded, folder, chosen_steps(loaded.config), Quiet())
    told = {line.split(":")[0]: line for line in done.notes}
    # Two tiles, two stages: four calls that keep 96 MB each.
    assert "keeps memory: 3" in told["function hoarder"]
    assert "keeps memory" not in told["function plain"]
    rows = report_rows(folder)
    assert "keeps memory: 3" in rows["hoarder"]
    assert "keeps memory" not in rows["plain"]
    # Not measured, so that the clock decides nothing: one has taken three quarters of its stages' time.
    with Database.open(folder / "i2db.duckdb") as database:
        database.connection.execute("UPDATE task_run SET wall_seconds = 4")
        database.connection.execute("UPDATE function_run SET seconds = CASE function WHEN 'plain' THEN 3 ELSE 0.5 END")
        write_report(database, folder)
    rows = report_rows(folder)
    assert "slow: 75 % of the time of its stages" in rows["plain"]
    assert "slow" not in rows["hoarder"]
