"""What the reader says: every problem at once, by name and place, in plain words."""

from __future__ import annotations

from pathlib import Path

import pytest

from i2db.config import Loaded, canonical, load
from i2db.config.spelling import all_keys, section_fields
from i2db.errors import ConfigError, ExitCode
from i2db.sensors.declaration import all_sensors

CHAIN = (
    "chain : { output_path : 'out', list_tile : 'T31TCJ', s2_path : 's2', ground_truth : 'gt.shp', "
    "data_field : 'code', nomenclature_path : 'n.txt' }\n"
)


def read(folder: Path, rest: str, *overrides: str, chain: str = CHAIN, **environment: str) -> Loaded:
    (folder / "a.cfg").write_text(chain + rest, encoding="utf-8")
    return load(folder / "a.cfg", overrides, environment=environment)


def problems(folder: Path, rest: str, *overrides: str, chain: str = CHAIN, **environment: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(folder, rest, *overrides, chain=chain, **environment)
    assert "pydantic" not in str(caught.value)
    assert "http" not in str(caught.value)
    first, *lines = str(caught.value).split("\n")
    assert first == f"a.cfg has {len(lines)} problem{'s' if len(lines) > 1 else ''}:"
    return [line.strip().removeprefix(f"{folder}/") for line in lines]


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        # unknown names
        ("arg_train : { rato : 0.5 }", "a.cfg:2: there is no key arg_train.rato: did you mean ratio?"),
        ("chian : { }", "a.cfg:2: there is no section chian: did you mean chain?"),
        ("weather : { }", "a.cfg:2: there is no section weather: known are chain, arg_train, "),
        ("runs : 3", "a.cfg:2: runs stands outside of any section: did you mean arg_train.runs?"),
        ("builders : { ratio : 1 }", "a.cfg:2: there is no key builders.ratio: did you mean arg_train.ratio?"),
        ("arg_train : 3", "a.cfg:2: section arg_train must be a mapping"),
        (
            'arg_train : { sample_selection : {"strategy.percent" : 0.1} }',
            "there is no key arg_train.sample_selection.strategy.percent: did you mean strategy.percent.p?",
        ),
        (
            'arg_train : { sample_selection : {"per_model" : [{"target_model": 1, "per_model": []}]} }',
            "there is no key arg_train.sample_selection.per_model: ",
        ),
        # types and ranges
        ("arg_train : { runs : 'three' }", 'a.cfg:2: arg_train.runs is "three": it must be a whole number'),
        ("arg_train : { runs : 2.5 }", "arg_train.runs is 2.5: it must be a whole number"),
        ("arg_train : { runs : True }", "arg_train.runs is True: it must be a whole number"),
        ("arg_train : { runs : 0 }", "arg_train.runs is 0: it must be at least 1"),
        ("arg_train : { ratio : 1.5 }", "arg_train.ratio is 1.5: it must be at most 1"),
        ("arg_train : { ratio : '0.5' }", 'arg_train.ratio is "0.5": it must be a number'),
        ("arg_train : { split_ground_truth : 1 }", "arg_train.split_ground_truth is 1: it must be True or False"),
        ("arg_train : { group_field : '' }", 'arg_train.group_field is "": it must not be empty'),
        (
            "arg_train : { features : ['NDVI', 'NDWY'] }",
            "arg_train.features[1] is \"NDWY\": it must be one of 'NDVI', ",
        ),
        ("arg_train : { features : 'NDVI,NDVI' }", "it names NDVI twice"),
        ("arg_train : { classifier : 'rff' }", "'bayes', 'normalbayes' or 'knn'; did you mean rf?"),
        ("arg_train : { lone_polygon : 'val' }", "it must be one of 'learn' or 'both'"),
        ("arg_train : { erode : -1 }", "arg_train.erode is -1: it must be at least 0"),
        ("arg_train : { sample_selection : 'all' }", 'arg_train.sample_selection is "all": it must be a mapping {...}'),
        (
            'arg_train : { sample_selection : {"strategy":"percent", "strategy.percent.p":50} }',
            "arg_train.sample_selection.strategy.percent.p is 50: it must be at most 1",
        ),
        (
            'arg_train : { sample_selection : {"per_model": [{"strategy":"all"}]} }',
            "arg_train.sample_selection.per_model[0].target_model is missing: each entry must have it",
        ),
        (
            'arg_train : { sample_selection : {"per_model": [{"target_model":1}, {"target_model":"1"}]} }',
            "it has several entries for model 1; keep one for each",
        ),
        (
            "arg_train : { options : ' -classifier.rf.mim 5 ' }",
            "an option classifier.rf.mim that i2db does not know: did you mean classifier.rf.min?",
        ),
        ("arg_train : { options : 'classifier.rf.min=5' }", "it must be options with their numbers, such as"),
        (
            "arg_train : { options : {'classifier.rf.nbtrees' : 0} }",
            "it sets classifier.rf.nbtrees to 0: a whole number",
        ),
        ("arg_train : { options : {'classifier.rf.max' : '2.5'} }", "sets classifier.rf.max to '2.5': a whole number"),
        ("sentinel_2 : { start_date : '2018-13-01' }", "it must be a date written as YYYYMMDD"),
        ("sentinel_2 : { keep_bands : ['B4', 'B1'] }", "sentinel_2.keep_bands[1] is \"B1\": it must be one of 'B2', "),
        ("sentinel_2 : { temporal_resolution : 0 }", "it must be at least 1"),
        ("execution : { job_walltime : 'soon' }", "it must be a time written as HH:MM:SS"),
        ("execution : { memory : '2 apples' }", "it must be an amount of memory above 0, such as '2GB'"),
        ("builders : { builders_class_name : [] }", "it must name at least 1"),
        # iota2's keys and settings of parts to come
        ("arg_train : { classifier : 'sharkkm' }", 'not built yet in i2db 0.1.0: arg_train.classifier = "sharkkm"'),
        ("argTrain : { dempster_shafer_SAR_Opt_fusion : True }", "arg_train.late_fusion fuses the models of several"),
        ("execution : { scheduler_type : 'Slurm' }", "Slurm needs execution.nb_parallel_tasks: the number of jobs"),
        ("iota2FeatureExtraction : { acorfeat : True }", "not built yet in i2db 0.1.0: iota2_feature_extraction.acorf"),
        # what the chain says itself
        (
            'arg_train : { sampleSelection : {"mask" : "m.tif"} }',
            "sample_selection.mask cannot be set: the chain itself",
        ),
        # twice, in two spellings
        (
            "arg_train : { runs : 2\n sampleSelection : {}\n sample_selection : {} }",
            "a.cfg:4: arg_train.sample_selection is set already in line 3, as arg_train.sample_selection",
        ),
        (
            'arg_train : { sample_selection : {"per_model":[]\n"per_models":[]} }',
            "a.cfg:3: arg_train.sample_selection.per_models is set already in line 2",
        ),
        # keys that contradict each other
        ("arg_train : { split_ground_truth : False, runs : 2 }", "so arg_train.runs must be 1, not 2"),
        ("arg_train : { ratio : 0 }", "arg_train.ratio is 0: no polygon would learn"),
        (
            'arg_train : { sample_selection : {"strategy":"constant"} }',
            'a.cfg:2: arg_train.sample_selection has strategy constant, which needs "strategy.constant.nb"',
        ),
        (
            'arg_train : { sample_selection : {"per_model":[{"target_model":1, "strategy":"byclass"}]} }',
            'arg_train.sample_selection.per_model[0] has strategy byclass, which needs "strategy.byclass.in"',
        ),
        (
            "iota2FeatureExtraction : { extractBands : True }\nSentinel_2 : { keepBands : ['B4', 'B3'] }",
            "a.cfg:3: sentinel_2.keep_bands lacks B8, B11, which the indices need",
        ),
        (
            "arg_train : { features : [] }\niota2FeatureExtraction : { copyinput : False }",
            "a.cfg:3: no feature is left",
        ),
        ("GlobChain : { autoDate : False }", "needs sentinel_2.start_date and sentinel_2.end_date"),
        (
            "GlobChain : { autoDate : False }\nSentinel_2 : { startDate : '20180201', endDate : '20180101' }",
            "a.cfg:3: sentinel_2.end_date 20180101 is before start_date 20180201",
        ),
        ("execution : { scheduler_type : 'cluster' }", "needs execution.scheduler_address"),
        (
            "execution : { scheduler_type : 'debug', scheduler_address : 'tcp://a:1' }",
            "execution.scheduler_address needs scheduler_type cluster, not debug",
        ),
    ],
)
def test_one_problem(tmp_path, rest: str, message: str) -> None:
    found = problems(tmp_path, rest)
    assert len(found) == 1
    assert message in found[0]


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (
            "proj : 'Lambert'",
            "chain.proj is \"Lambert\": it must be an EPSG code, such as 'EPSG:32631' or 32631, a PROJ string",
        ),
        ("proj : '+proj=nowhere'", "'+proj=nowhere' is no projection"),
        ("grid_origin : 5", "chain.grid_origin is 5: it must be a pair of numbers [x, y]"),
        ("spatial_resolution : [10, 10, 10]", "it must be one number above 0 or a pair [x, y] of them"),
        ("spatial_resolution : 0", "it must be one number above 0 or a pair"),
        ("color_table : 7", "chain.color_table is 7: it must be a path, as a text in quotes"),
        ("excluded_classes : ['a']", "it must be a list of whole numbers, e.g. [99, 255]"),
        ("cloud_threshold : -1", "it must be at least 0"),
        ("window : 0", "it must be at least 1"),
        ("first_step : 'lerning'", "did you mean learning?"),
        ("last_step : 'dimred'", 'not built yet in i2db 0.1.0: chain.last_step = "dimred"'),
        ("first_step : mosaic, last_step : sampling", "chain.first_step mosaic comes after chain.last_step sampling"),
        ("output_statistics : True", "not built yet in i2db 0.1.0: chain.output_statistics"),
        ("runs2 : 3", "there is no key chain.runs2: did you mean arg_train.runs?"),
    ],
)
def test_one_problem_in_section_chain(tmp_path, key: str, message: str) -> None:
    found = problems(tmp_path, "", chain=CHAIN.replace(" }", f"\n{key} }}"))
    assert len(found) == 1
    assert found[0].startswith("a.cfg:2: ")
    assert message in found[0]


def test_mandatory_keys(tmp_path) -> None:
    paths = ", ".join(f"chain.{sensor.path_key}" for sensor in all_sensors())
    absence = f"a.cfg:1: no sensor is configured: one of {paths} must name a folder of products, or chain.sensors a "
    absence += "sensor of your own"
    assert problems(tmp_path, "", chain="chain :\n{ list_tile : ' ' }\n") == [
        "a.cfg:1: chain.output_path is missing: Folder of the results; it is made where it does not exist.",
        f"a.cfg:1: chain.ground_truth is missing: {section_fields('chain')['ground_truth'].description}",
        f"a.cfg:1: chain.data_field is missing: {section_fields('chain')['data_field'].description}",
        f"a.cfg:1: chain.nomenclature_path is missing: {section_fields('chain')['nomenclature_path'].description}",
        absence,
        "a.cfg:2: chain.list_tile is []: it must name at least 1",
    ]
    assert len(problems(tmp_path, "", chain="")) == 6


def test_all_problems_come_at_once_in_the_order_of_the_file(tmp_path) -> None:
    found = problems(
        tmp_path,
        "arg_train : {\n runs : 0\n split_groundtruth : False\n ratoi : 1\n enable_autocontext : True }\n"
        "GlobChain : { autoDate : False }\nnowhere : {}\n",
    )
    assert [line.split(":")[1] for line in found] == ["3", "5", "6", "7", "8"]
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, "nowhere : {}")
    assert caught.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        (
            "Sentinel_2 : { startDate : '20180101' }",
            "a.cfg:2: sentinel_2.start_date: without effect: as in iota2 it is ",
        ),
        (
            "Sentinel_2 : { keepBands : ['B4'] }",
            "sentinel_2.keep_bands: without effect: iota2_feature_extraction.extract",
        ),
        (
            "Sentinel_2 : { additionalFeatures : 'b1' }",
            "sentinel_2.additional_features: without effect: sensors_data_in",
        ),
        ("GlobChain : { useAdditionalFeatures : True }", "without effect: sentinel_2.additional_features has none"),
        ("GlobChain : { useGapFilling : False }\nSentinel_2 : { temporalResolution : 5 }", "dates stay as acquired"),
        ("iota2FeatureExtraction : { extractBands : True }", "sentinel_2.keep_bands is not set: all are kept"),
        ("iota2FeatureExtraction : { keepduplicates : False }", "iota2_feature_extraction.relrefl is not True"),
        (
            'arg_train : { sample_selection : {"strategy":"total", "strategy.percent.p":0.5} }',
            "arg_train.sample_selection.strategy.percent.p: without effect: the strategy is total",
        ),
        (
            'arg_train : { sample_selection : {"sampler.periodic.jitter": 3} }',
            "arg_train.sample_selection.sampler.periodic.jitter: without effect: the sampler is random",
        ),
        ('arg_train : { sample_selection : {"rand": 3} }', "without effect: the strategy is all"),
        ('arg_train : { sample_selection : {"ram": 3} }', "without effect: execution.memory bounds all tasks"),
        ('arg_train : { sample_selection : {"elev.dem": "x"} }', "without effect: no sample depends on elevation"),
        (
            'arg_train : { sample_selection : {"per_model":[{"target_model":2, "strategy":"smallest"}]} }',
            "per_model[0] is for model 2, but without chain.region_path model 1 is the only one",
        ),
        ("arg_train : { options : '-classifier.sharkrf.mtry 3' }", "without effect: the classifier is rf"),
        ("arg_train : { options : '-classifier.rf.acc 0.01' }", "without effect: scikit-learn's forest grows all"),
        (
            "arg_train : { split_ground_truth : False, ratio : 0.7 }",
            "arg_train.ratio: without effect: arg_train.split_",
        ),
        ("arg_train : { ratio : 1.0 }", "arg_train.ratio is 1: no polygon is left to validate the map"),
        ("arg_train : { force_standard_labels : True }", "always have the names of their features"),
        ("GlobChain : { writeOutputs : True }", "sensors_data_interpolation.write_outputs: without effect"),
        ("python_data_managing : { number_of_chunks : 4, chunk_size_x : 9 }", "chunk_size_x: without effect"),
        ("python_data_managing : { chunk_size_mode : user_fixed, number_of_chunks : 4 }", "number_of_chunks: without"),
        ("task_retry_limits : { allowed_retry : 4 }", "a task whose worker died is tried once more"),
        ("userFeat : { patterns : 'mnt' }", "user_feat.patterns: without effect: chain.user_feat_path is not set"),
        ("scikit_models_parameters : { n_estimators : 10 }", "scikit_models_parameters.n_estimators: without effect"),
        ("argTrain : { OTB_HOME : '/opt' }", "argTrain.OTB_HOME: of an old iota2 and no longer read"),
    ],
)
def test_one_warning(tmp_path, rest: str, message: str) -> None:
    warnings = read(tmp_path, rest).warnings
    assert len(warnings) == 1
    assert message in warnings[0]


def test_general_selection_keys_that_a_model_inherits_have_an_effect(tmp_path) -> None:
    own = '{"target_model":1, "strategy":"percent"}'
    rest = f'arg_train : {{ sample_selection : {{"strategy.percent.p":0.1, "per_model":[{own}]}} }}'
    assert read(tmp_path, rest).warnings == ()


def test_ram_hint(tmp_path) -> None:
    loaded = read(tmp_path, "", OTB_MAX_RAM_HINT="512")
    assert loaded.config.execution.memory_per_task == 512_000_000
    assert loaded.warnings == ("OTB_MAX_RAM_HINT: each task may use 512 MB, as the environment says",)
    loaded = read(tmp_path, "execution : { memory_per_task : '1GB' }", OTB_MAX_RAM_HINT="512")
    assert loaded.config.execution.memory_per_task == 10**9
    assert "without effect: execution.memory_per_task is set" in loaded.warnings[0]
    assert "it must be a whole number of MB" in problems(tmp_path, "", OTB_MAX_RAM_HINT="lots")[0]


def test_overrides(tmp_path) -> None:
    rest = 'arg_train : { sampleSelection : {"strategy":"percent", "strategy.percent.p":0.5, "rand":3}, ratio : 0.7 }'
    loaded = read(
        tmp_path,
        rest,
        "arg_train.sample_selection.strategy=constant",
        "argTrain.sampleSelection.strategy.constant.nb=50",
        "arg_train.sample_selection.rand=None",
        "chain.runs=4",
        "chain.listTile=T31TCJ T31TDJ",
        "chain.output_path=../elsewhere",
        "arg_train.ratio=None",
        "arg_train.otb_classifier_options.classifier.rf.min=2",
        "arg_train.features=['NDVI']",
    )
    train, chain = loaded.config.arg_train, loaded.config.chain
    selection = train.sample_selection.for_region("1")
    assert (selection.strategy, selection.count, selection.rand) == ("constant", 50, None)
    assert (train.runs, train.ratio, train.features) == (4, 0.5, ("NDVI",))
    assert train.otb_classifier_options == {"classifier.rf.min": 2}
    assert chain.list_tile == ("T31TCJ", "T31TDJ")
    assert chain.output_path == tmp_path / "../elsewhere"
    assert loaded.warnings == (
        f"{tmp_path}/a.cfg:2: arg_train.sample_selection.strategy.percent.p: without effect: the strategy is constant",
    )


def test_override_of_one_option_among_those_of_a_command_line(tmp_path) -> None:
    rest = "arg_train : { options : ' -classifier.rf.min 5 -classifier.rf.max 25 ' }"
    loaded = read(tmp_path, rest, "arg_train.options.classifier.rf.max=10")
    assert loaded.config.arg_train.otb_classifier_options == {"classifier.rf.min": 5, "classifier.rf.max": 10}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("runs=3", "--set runs=3: must be section.key=value"),
        ("arg_train.runs", "must be section.key=value"),
        ("arg_train.runs=", "sets arg_train.runs to nothing; write None for its default"),
        ("arg_train.runs=no", '--set arg_train.runs=no: arg_train.runs is "no": it must be a whole number'),
        ("arg_train.rnus=3", "there is no key arg_train.rnus: did you mean runs?"),
        ("arg_train.features=['NDVI'", "cannot be read, character 8: the file ends where `]` should close"),
        ("chain.user_feat_path=x", "chain.user_feat_path needs user_feat.patterns"),
        ("user_feat.interpolators={'mnt': 'nearest'}", "names mnt, which is no raster of user_feat (none)"),
        ("user_feat.files={'mnt': 'a.tif', 'MNT': 'b.tif'}", "user_feat names the raster mnt twice"),
        ("obia.obia_segmentation_path=x", "not built yet in i2db 0.1.0: obia.obia_segmentation_path"),
        ("arg_train.sample_selection.strateg=all", "did you mean strategy?"),
    ],
)
def test_bad_overrides(tmp_path, text: str, message: str) -> None:
    assert message in problems(tmp_path, "", text)[0]


def test_relative_paths_count_from_the_file(tmp_path) -> None:
    chain = read(tmp_path, "").config.chain
    assert chain.output_path == tmp_path / "out"
    assert read(tmp_path, "", "chain.color_table=/abs/c.txt").config.chain.color_table == Path("/abs/c.txt")
    rest = 'arg_train : { sample_selection : {"strategy":"byclass", "strategy.byclass.in":"counts.csv"} }'
    selection = read(tmp_path, rest).config.arg_train.sample_selection.for_region("1")
    assert selection.byclass_path == tmp_path / "counts.csv"


def test_toml_problems_have_lines(tmp_path) -> None:
    path = tmp_path / "a.toml"
    path.write_text('[chain]\nlist_tile = "a"\n\n[arg_train]\nruns = "x"\n[arg_train.sample_selection]\nrnd = 1\n')
    with pytest.raises(ConfigError) as caught:
        load(path, environment={})
    assert f'{path}:5: arg_train.runs is "x"' in str(caught.value)
    assert f"{path}:7: there is no key arg_train.sample_selection.rnd: did you mean rand?" in str(caught.value)
    path.write_text("[chain]\nruns = = 3\n")
    with pytest.raises(ConfigError, match=r"a\.toml:2:8: ") as caught:
        load(path, environment={})
    assert str(caught.value).endswith("    runs = = 3\n           ^")


ODD = [
    "''",
    "'x'",
    "0",
    "-1",
    "2.5",
    "1e300",
    "99999999999999999999",
    "True",
    "[]",
    "[[]]",
    "[None]",
    "[1, 'a']",
    "{}",
    "{'a' : 1}",
]


def outcome(folder: Path, override: str) -> str:
    """The message of an override that is refused; empty where it is taken."""
    try:
        canonical(read(folder, "", override).config)
    except ConfigError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(("section", "key"), list(all_keys()))
def test_odd_settings_are_taken_or_refused_in_plain_words(tmp_path, section: str, key: str) -> None:
    for odd in ODD:
        message = outcome(tmp_path, f"{section}.{key}={odd}")
        assert not message or message.startswith("a.cfg has 1 problem:\n"), odd
        assert "Input should" not in message, odd


@pytest.mark.parametrize(
    "key", ["sampler", "strategy", "strategy.percent.p", "strategy.byclass.in", "rand", "per_model"]
)
def test_odd_settings_below_sample_selection(tmp_path, key: str) -> None:
    for odd in [*ODD, "[{}]", "[{'target_model' : {}}]", "{'target_model' : 1, 'rand' : {}}"]:
        assert "Input should" not in outcome(tmp_path, f"arg_train.sample_selection.{key}={odd}"), odd
