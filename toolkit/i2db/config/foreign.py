"""What iota2 has and i2db has not: keys retired long ago, parts not built yet, keys that change nothing here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Foreign:
    """A key of iota2 without a field in the model.

    Attributes:
        kind: unbuilt keys are refused, idle ones warned of; `inert` settings of both pass in silence.
        inert: settings that ask for nothing that i2db does not do anyway (unset always is one).
        reason: of an idle key, why it changes nothing; of an unbuilt one, what there is in its place.
    """

    kind: Literal["unbuilt", "idle"]
    inert: tuple[object, ...] = ()
    reason: str = ""

    def is_inert(self, content: object) -> bool:
        """Whether this setting asks for nothing."""
        if content in (None, "", [], {}):
            return True
        return any(type(content) is type(inert) and content == inert for inert in self.inert)


def _unbuilt(*inert: object) -> Foreign:
    return Foreign("unbuilt", inert)


def _idle(reason: str, names: str, inert: Iterable[object] = ()) -> dict[str, Foreign]:
    return {name: Foreign("idle", tuple(inert), reason) for name in names.split()}


#: Keys that iota2 itself dropped and that its examples still carry, in whatever section.
RETIRED = frozenset(
    [
        "py_app_path",
        "binding_python",
        "nb_look",
        "log_path",
        "features_path",
        "otb_home",
        "execution_mode",
        "rearrange_model_tile",
        "pix_type",
        "confusion_model",
        "jobs_path",
        "log_file",
        "log_file_level",
        "log_console_level",
        "log_console",
        "enable_console",
        "chain_name",
        "model",
        "nodata_mask",
        "native_res",
        "arbomask",
        "imtype",
        "nuages",
    ]
)

_NO_STACK = "i2db reads the product files where they lie and writes no stack of them"
_NO_CLASSIF_MIX = "only samples_classif_mix reads it, which is not built yet"
_NO_CONTEXT = "only enable_autocontext reads it, which is not built yet"

#: By section; "*" stands for every other key of a section.
FOREIGN: dict[str, dict[str, Foreign]] = {
    "chain": {
        "s1_path": _unbuilt(),
        "output_statistics": _unbuilt(False),
        "enable_cross_validation": _unbuilt(False),
        **_idle(
            _NO_STACK,
            "s2_output_path s2_s2c_output_path s2_l3a_output_path l8_output_path l8_output_path_old l5_output_path_old",
        ),
        **_idle(
            "i2db keeps finished parts by their fingerprint and never wipes the output", "remove_output_path", [False]
        ),
        **_idle("i2db keeps its parts, so that the next run can go on from them", "remove_tmp_files", [False]),
        **_idle("i2db always checks its inputs", "check_inputs", [True]),
        **_idle("i2db chooses the compression of each raster", "compression_algorithm"),
    },
    "arg_train": {
        "dempster_shafer_sar_opt_fusion": Foreign(
            "unbuilt", (False,), reason="arg_train.late_fusion fuses the models of several optical sensors"
        ),
        "samples_classif_mix": Foreign(
            "unbuilt",
            (False,),
            reason="classes that are not annual learn from this year's ground truth; points drawn from an earlier map "
            "can be part of it (chain.ground_truth)",
        ),
        "enable_autocontext": _unbuilt(False),
        "features_from_raw_dates": _unbuilt(False),
        "deep_learning_parameters": _unbuilt(),
        **_idle(_NO_CONTEXT, "autocontext_iterations"),
        **_idle(_NO_CLASSIF_MIX, "annual_classes_extraction_source validity_threshold", [1]),
        **_idle(
            "the columns of i2db's samples always have the names of their features", "force_standard_labels", [False]
        ),
        **_idle("i2db keeps samples as Parquet and exports them in the form asked for", "learning_samples_extension"),
    },
    "arg_classification": {
        "enable_boundary_fusion": _unbuilt(False),
        **_idle(
            "only enable_boundary_fusion reads it, which is not built yet",
            "boundary_interior_buffer_size boundary_exterior_buffer_size boundary_fusion_epsilon "
            "boundary_comparison_mode",
        ),
    },
    "sensors_data_interpolation": _idle(_NO_STACK, "write_outputs", [False]),
    "iota2_feature_extraction": {"acorfeat": _unbuilt(False)},
    **{
        section: _idle(_NO_STACK, "write_reproject_resampled_input_dates_stack", [False])
        for section in [
            "landsat5",
            "landsat5_old",
            "landsat8",
            "landsat8_old",
            "sentinel_2",
            "sentinel_2_s2c",
            "sentinel_2_l3a",
        ]
    },
    "python_data_managing": {
        **_idle("only deep learning reads it, which is not built yet", "max_nn_inference_size"),
    },
    "builders": {"builders_paths": _unbuilt()},
    "task_retry_limits": {
        **_idle("a task whose worker died is tried once more, with half the memory, always", "allowed_retry", [0, 1]),
        **_idle("i2db's --memory bounds all tasks", "maximum_ram maximum_cpu"),
    },
    "external_features": {
        "exogeneous_data": Foreign(
            "unbuilt",
            reason="rasters of section user_feat are what functions get by get_user_features_<name>()",
        ),
        **_idle("the builder i2_features_map writes maps of functions", "custom_write_mode", [False]),
    },
    "obia": {
        "obia_segmentation_path": _unbuilt(),
        **_idle(
            "only the builder i2_obia reads it, which is not built yet",
            "stats_used buffer_size full_learn_segment region_priority",
        ),
    },
    "coregistration": {
        "vhr_path": _unbuilt(),
        **_idle(
            "only coregistration.vhr_path makes it useful, which is not built yet",
            "date_vhr date_src band_ref band_src resample step minstep minsiftpoints iterate prec mode pattern",
        ),
    },
    "simplification": _idle("only the builder i2_vectorization reads it, which is not built yet", "*"),
}

#: Settings that iota2 knows of keys that i2db has, but that are not built yet.
UNBUILT_SETTINGS: dict[tuple[str, str], frozenset[str]] = {
    ("arg_train", "classifier"): frozenset(["sharkkm"]),
    ("builders", "builders_class_name"): frozenset(
        [
            "i2_obia",
            "i2_vectorization",
            "i2_regression",
            "i2_tiler",
            "I2Obia",
            "I2Vectorization",
            "I2Regression",
        ]
    ),
    **{
        ("chain", key): frozenset(
            [
                "dimred",
                "regularisation",
                "crown",
                "mosaictiles",
                "vectorisation",
                "simplification",
                "smoothing",
                "clipvectors",
                "lcstatistics",
            ]
        )
        for key in ("first_step", "last_step")
    },
}

#: OTB's parameters that iota2 fills in by itself: refused in sample_selection.
RESERVED_SELECTION_KEYS = frozenset(["outrates", "in", "mask", "vec", "out", "instats", "field", "layer", "inxml"])
