"""Files of iota2's users: the labwork's extracts, the dialects of 2020 and 2022, and TOML."""

from __future__ import annotations

import datetime
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from i2db.config import Config, load
from i2db.config.foreign import FOREIGN
from i2db.config.spelling import all_keys, find, fold, known_keys, section_fields
from i2db.errors import ConfigError

MINIMAL = """
chain :
{
    output_path : 'out', list_tile : 'T31TCJ', s2_path : 's2', ground_truth : 'gt.shp', data_field : 'code'
    nomenclature_path : 'n.txt'
    %s
}
"""


def read(folder: Path, text: str, *overrides: str, name: str = "a.cfg") -> Config:
    (folder / name).write_text(text, encoding="utf-8")
    return load(folder / name, overrides, environment={}).config


def minimal(chain: str = "", rest: str = "") -> str:
    return MINIMAL % chain + rest


# The labwork's extracts, by its sections.
LABWORK_2_1_RATIO = (
    "arg_train :\n{\n    ratio : 0.75 # 75% of the polygons\n    random_seed : 0 # Set the random seed\n}"
)
LABWORK_2_1_SELECTION = """arg_train :
{
    sampleSelection :
    {
        "sampler":"random",
        "strategy":"percent",
        "strategy.percent.p":0.5
        "rand" : 0 # In order to set the random seed for the sampleSelection app
    }
}"""
LABWORK_2_2 = "arg_train :\n{\n    runs : 10\n}"
LABWORK_3_1 = """arg_train :
{
    deep_learning_parameters :
    {
        dl_name : "MLPClassifier"
        epochs : 200
        model_selection_criterion : "fscore"
     }
}"""
LABWORK_3_2_1 = """builders:
{
    builders_class_name: ["i2_obia"]
}
obia:
{
    stats_used: ['mean', 'std']
}"""
LABWORK_3_2_1_FILE = """obia:
{
    obia_segmentation_path: "/XXX/segmentation.shp"
    stats_used: ['mean', 'std']
}"""
LABWORK_3_2_2 = "arg_train:\n{\nenable_autocontext : True\nautocontext_iterations : 3\n}"
LABWORK_4 = """userFeat:
{
    arbo:"/*"
    patterns:"mnt pente aspect"
}"""
LABWORK_5_1 = """# add this to your config file will change the workflow of iota2
builders:
{
    builders_class_name: ["i2_features_map"]
}
external_features:
{
   functions: "get_soi"
}
# this section tells iota2 how to split data
python_data_managing:
{
   chunk_size_mode: "split_number"
   number_of_chunks: 4
}"""


def test_labwork_2(tmp_path) -> None:
    train = read(tmp_path, minimal(rest=LABWORK_2_1_RATIO)).arg_train
    assert (train.ratio, train.random_seed, train.runs) == (0.75, 0, 1)
    selection = read(tmp_path, minimal(rest=LABWORK_2_1_SELECTION)).arg_train.sample_selection.for_region("1")
    assert (selection.sampler, selection.strategy, selection.percent, selection.rand) == ("random", "percent", 0.5, 0)
    assert read(tmp_path, minimal(rest=LABWORK_2_2)).arg_train.runs == 10


@pytest.mark.parametrize(
    ("chain", "rest", "refused"),
    [
        ("", LABWORK_3_1, ["arg_train.deep_learning_parameters"]),
        ("", LABWORK_3_2_1, ['builders.builders_class_name = "i2_obia"']),
        ("", LABWORK_3_2_1_FILE, ["obia.obia_segmentation_path"]),
        ("", LABWORK_3_2_2, ["arg_train.enable_autocontext"]),
    ],
)
def test_labwork_of_parts_to_come_is_refused_by_name(tmp_path, chain: str, rest: str, refused: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, minimal(chain, rest))
    for name in refused:
        assert f"not built yet in i2db 0.1.0: {name}" in str(caught.value)
    assert len(str(caught.value).split("\n")) == 1 + len(refused)


def test_labwork_4(tmp_path) -> None:
    config = read(tmp_path, minimal('user_feat_path: "/path/to/precomputed/features"', LABWORK_4))
    assert config.chain.user_feat_path == Path("/path/to/precomputed/features")
    assert (config.user_feat.arbo, config.user_feat.patterns) == ("/*", ("mnt", "pente", "aspect"))


def test_labwork_5_1_groups_of_the_features_map(tmp_path) -> None:
    writing = 'first_step: "writing"\n    last_step: "writing"'
    with pytest.raises(
        ConfigError, match=r"a.cfg:6: chain.first_step writing is no group of the builder i2_classification"
    ):
        read(tmp_path, minimal(writing))
    assert read(tmp_path, minimal(writing, LABWORK_5_1)).chain.first_step == "writing"
    with pytest.raises(ConfigError, match=r"chain.first_step sampling is no group of the builder i2_features_map"):
        read(tmp_path, minimal('first_step: "sampling"', LABWORK_5_1))


def test_labwork_5_1(tmp_path) -> None:
    config = read(tmp_path, minimal('last_step: "validation"', LABWORK_5_1))
    assert config.python_data_managing.chunking is not None
    assert config.python_data_managing.chunking.n_chunks == 4
    assert config.builders.name == "i2_features_map"
    assert config.external_features.functions == (("get_soi", {}),)
    assert config.external_features.concat_mode


def test_functions_are_names_or_names_with_arguments(tmp_path) -> None:
    def functions(text: str) -> tuple[tuple[str, dict[str, Any]], ...]:
        return read(tmp_path, minimal(rest=f"external_features : {{ functions : {text} }}")).external_features.functions

    assert functions("'a b, c'") == (("a", {}), ("b", {}), ("c", {}))
    assert functions("['a', ['b', {'weights' : [1, 2.5], \"n\" : 3}]]") == (
        ("a", {}),
        ("b", {"weights": [1, 2.5], "n": 3}),
    )
    for text, problem in (
        ("['a', 'a']", "a twice with the same arguments"),
        ("['1a']", "'1a', which is no name of a function"),
        ("[['a', 3]]", "the arguments of a as"),
        ("3", "must be names with blanks between them"),
    ):
        with pytest.raises(ConfigError, match=problem):
            functions(text)


def test_a_map_of_features_needs_no_ground_truth(tmp_path) -> None:
    text = """chain : { output_path : 'out', list_tile : 'T', s2_path : 's2' }
builders : { builders_class_name : 'I2FeaturesMap' }
"""
    chain = read(tmp_path, text).chain
    assert not chain.has_ground_truth
    with pytest.raises(ConfigError, match=r"chain.window is where most classes are, and chain.ground_truth is not set"):
        read(tmp_path, text.replace("'s2' }", "'s2', window : 10 }"))
    for key in ("ground_truth", "data_field", "nomenclature_path"):
        with pytest.raises(ConfigError, match=f"chain.{key} is missing"):
            read(tmp_path, text.replace("I2FeaturesMap", "I2Classification"))


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ("output_name : 'a/b.tif'", "must be the name of a file in final/"),
        ("output_type : 'uint8'", "which external_features.no_data_value -10000 is not"),
        ("exogeneous_data : 'x.tif'", "get_user_features_<name>"),
        ("external_features_flag : True", "external_features.functions names no function"),
    ],
)
def test_keys_of_functions_that_cannot_be_meant(tmp_path, section: str, problem: str) -> None:
    rest = f"builders : {{ builders_class_name : 'i2_features_map' }}\nexternal_features : {{ {section} }}"
    with pytest.raises(ConfigError, match=problem):
        read(tmp_path, minimal(rest=rest))


def test_keys_of_functions_without_any_are_idle(tmp_path) -> None:
    text = minimal(rest="external_features : { module : 'a.py' }\npython_data_managing : { padding_size_x : 2 }")
    (tmp_path / "a.cfg").write_text(text, encoding="utf-8")
    warnings = load(tmp_path / "a.cfg", environment={}).warnings
    assert len([warning for warning in warnings if "external_features.functions names no function" in warning]) >= 1
    assert any("padding_size_x" in warning for warning in warnings)


def test_placeholder_of_the_labwork(tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"a.cfg:6:5: `...` is a placeholder of the documentation: replace it"):
        read(tmp_path, minimal("..."))


DIALECT_2022 = """
chain :
{
  output_path : '/data/out'
  remove_output_path : True
  nomenclature_path : '/data/nomenclature.txt'
  list_tile : 'T31TCJ T31TDJ'
  s2_path : '/data/s2'
  ground_truth : '/data/gt.shp'
  data_field : 'code'
  color_table : '/data/colors.txt'
  region_path : '/data/regions.shp'
  spatial_resolution : 10
  proj : 'EPSG:2154'
  cloud_threshold : 1
  first_step : 'init'
  last_step : 'validation'
}
arg_train :
{
  classifier : 'sharkrf'
  otb_classifier_options : {"classifier.sharkrf.nodesize" : 20, "classifier.sharkrf.nbtrees" : 50}
  ratio : 0.75
  random_seed : 0
  runs : 3
  features : ["NDVI", "NDWI"]
  sample_selection : {"sampler":"random", "strategy":"percent", "strategy.percent.p":0.5, "rand":0,
      "per_model":[{"target_model":4, "strategy":"constant", "strategy.constant.nb":100}]}
}
arg_classification : { classif_mode : 'separate' }
sensors_data_interpolation : { auto_date : False, use_additional_features : True, use_gapfilling : True }
iota2_feature_extraction : { copyinput : False, extract_bands : True }
sentinel_2 : { start_date : '20180101', end_date : '20181231', temporal_resolution : 5,
    additional_features : 'b1+b2,max(b1,b2)', keep_bands : ['B4', 'B8', 'B11'] }
python_data_managing : { number_of_chunks : 7 }
"""

DIALECT_2020 = """
# as of July 2020
chain:{
  outputPath:'/data/out'
  remove_outputPath:False
  pyAppPath:'/home/user/iota2'
  jobsPath:None
  logFileLevel:"INFO"
  nomenclaturePath:'/data/nomenclature.txt'
  listTile:'T31TCJ T31TDJ'
  L8Path_old:'None', L8Path:'None', S2Path:'/data/s2', S1Path:'None', userFeatPath:'None', S2_output_path:None
  groundTruth:'/data/gt.shp'
  dataField:'code'
  colorTable:'/data/colors.txt'
  regionPath:'/data/regions.shp'
  regionField:'region'
  model:None
  spatialResolution:[10, 10]
  cloud_threshold:1
  firstStep:init
  lastStep:'validation'
  ratio:0.75, random_seed:0, runs:3
  splitGroundTruth:True
  mode_outside_RegionSplit:0.1
  merge_final_classifications:False
  enableCrossValidation:False
  enable_autoContext:False
  outputStatistics:False
}
argTrain:{
  classifier:'sharkrf'
  options:" -classifier.sharkrf.nodesize 20 -classifier.sharkrf.nbtrees 50"
  sampleSelection:{"sampler":"random"
                   "strategy":"percent"
                   "strategy.percent.p":0.5, "rand":0
                   "per_models":[{"target_model":4
                                  "strategy":"constant"
                                  "strategy.constant.nb":100}]}
  sampleAugmentation:{"activate":False}
  sampleManagement:None
  cropMix:False
  annualCrop:['11','12']
}
argClassification:{ classifMode:"separate", noLabelManagement:"maxConfidence" }
GlobChain:{ proj:"EPSG:2154", features:["NDVI","NDWI"], autoDate:False, writeOutputs:False,
   useAdditionalFeatures:True, useGapFilling:True }
iota2FeatureExtraction:{ copyinput:False, relrefl:False, keepduplicates:True, extractBands:True, acorfeat:False }
Landsat8:{ nodata_Mask:0, temporalResolution:16, startDate:"", endDate:"", keepBands:[] }
Sentinel_2:{ nodata_Mask:-10000, nativeRes:10, startDate:"20180101", endDate:"20181231", temporalResolution:5
   additionalFeatures:"b1+b2, max(b1,b2)", keepBands:["B4", "B8", "B11"]
   write_reproject_resampled_input_dates_stack:True }
dimRed:{ dimRed:False, targetDimension:4, reductionMode:"global" }
userFeat:{ arbo:"/*", patterns:"ALT,ASP,SLP" }
external_features:{ module:None, functions:None, number_of_chunks:7 }
Simplification:{ classification:None, rssize:20, statslist:{1:"rate", 2:"statsmaj", 3:"statsmaj"} }
"""

TOML = """
[chain]
output_path = "/data/out"
nomenclature_path = "/data/nomenclature.txt"
list_tile = ["T31TCJ", "T31TDJ"]
s2_path = "/data/s2"
ground_truth = "/data/gt.shp"
data_field = "code"
color_table = "/data/colors.txt"
region_path = "/data/regions.shp"
spatial_resolution = 10.0
proj = 2154
cloud_threshold = 1

[arg_train]
classifier = "sharkrf"
otb_classifier_options = { "classifier.sharkrf.nodesize" = 20, "classifier.sharkrf.nbtrees" = 50 }
ratio = 0.75
random_seed = 0
runs = 3
features = ["NDVI", "NDWI"]

[arg_train.sample_selection]
sampler = "random"
strategy = "percent"
"strategy.percent.p" = 0.5
rand = 0
per_model = [{ target_model = 4, strategy = "constant", "strategy.constant.nb" = 100 }]

[sensors_data_interpolation]
auto_date = false
use_additional_features = true

[iota2_feature_extraction]
copyinput = false
extract_bands = true

[sentinel_2]
start_date = 2018-01-01
end_date = 2018-12-31
temporal_resolution = 5
additional_features = ["b1+b2", "max(b1,b2)"]
keep_bands = ["B4", "B8", "B11"]

[python_data_managing]
number_of_chunks = 7
"""


def test_all_dialects_mean_the_same(tmp_path) -> None:
    config = read(tmp_path, DIALECT_2022)
    of_2020 = read(tmp_path, DIALECT_2020)
    assert of_2020.user_feat.patterns == ("ALT", "ASP", "SLP")
    assert of_2020.arg_train.annual_crop == (11, 12)
    train = of_2020.arg_train.model_copy(update={"annual_crop": ()})
    assert of_2020.model_copy(update={"user_feat": config.user_feat, "arg_train": train}) == config
    assert read(tmp_path, TOML, name="a.toml") == config
    assert config.chain.list_tile == ("T31TCJ", "T31TDJ")
    assert config.chain.spatial_resolution == (10.0, 10.0)
    assert config.sentinel_2.start_date == datetime.date(2018, 1, 1)
    assert config.sentinel_2.additional_features == ("b1+b2", "max(b1,b2)")
    assert config.arg_train.sample_selection.for_region("4").count == 100


def test_warnings_of_the_2020_dialect_are_gathered_by_reason(tmp_path) -> None:
    (tmp_path / "a.cfg").write_text(DIALECT_2020, encoding="utf-8")
    warnings = load(tmp_path / "a.cfg", environment={}).warnings
    retired = [warning for warning in warnings if "no longer read" in warning]
    keys = (
        "chain.pyAppPath, chain.logFileLevel (line 8), Landsat8.nodata_Mask (line 48), "
        "Sentinel_2.nodata_Mask (line 49), Sentinel_2.nativeRes (line 49)"
    )
    assert retired == [f"{tmp_path}/a.cfg:6: {keys}: of an old iota2 and no longer read"]
    assert len(warnings) == 5
    assert not any("jobsPath" in warning or "remove_output" in warning for warning in warnings)


def test_minimal_configuration_of_2022(tmp_path) -> None:
    (tmp_path / "a.cfg").write_text(DIALECT_2022, encoding="utf-8")
    warnings = load(tmp_path / "a.cfg", environment={}).warnings
    reason = "i2db keeps finished parts by their fingerprint and never wipes the output"
    assert warnings == (f"{tmp_path}/a.cfg:5: chain.remove_output_path: without effect: {reason}",)


def camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)


def test_every_key_is_found_in_camel_case_and_in_snake_case() -> None:
    for section, key in all_keys():
        assert find(section, key) == (section, key)
        assert find(camel(section), camel(key)) == (section, key)
        assert find(section.upper(), key.upper()) == (section, key)


def test_no_two_keys_of_a_section_fold_to_one() -> None:
    for section in FOREIGN:
        assert len({fold(key) for key in FOREIGN[section]}) == len(FOREIGN[section])
    for section in {section for section, _ in all_keys()}:
        own = section_fields(section)
        assert not set(own) & set(FOREIGN.get(section, {}))
        assert len(known_keys(section)) == len(own) + len(FOREIGN.get(section, {}))


def test_importing_the_configuration_loads_nothing_heavy() -> None:
    heavy = "{'numpy', 'duckdb', 'rasterio', 'geopandas', 'pandas', 'sklearn', 'torch', 'numba', 'matplotlib'}"
    code = f"import sys, i2db.config; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
