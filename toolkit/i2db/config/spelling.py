"""One name for every spelling of a section or key: 2020's camelCase, sections that moved, later snake_case."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from functools import cache

from pydantic.fields import FieldInfo

from i2db.config.foreign import FOREIGN, RETIRED
from i2db.config.learning import SampleAugmentation
from i2db.config.model import Config
from i2db.config.train import RegionSelection, SampleSelection

#: Sections with keys of somebody else's naming, and the key that holds these.
OPEN_SECTIONS = {"scikit_models_parameters": "parameters"}

#: A section or key in another spelling than its own, by their folded names.
_MOVED: dict[tuple[str, str], tuple[str, str]] = {
    ("chain", "runs"): ("arg_train", "runs"),
    ("chain", "ratio"): ("arg_train", "ratio"),
    ("chain", "randomseed"): ("arg_train", "random_seed"),
    ("chain", "splitgroundtruth"): ("arg_train", "split_ground_truth"),
    ("chain", "enableautocontext"): ("arg_train", "enable_autocontext"),
    ("chain", "autocontextiterations"): ("arg_train", "autocontext_iterations"),
    ("chain", "forcestandardlabels"): ("arg_train", "force_standard_labels"),
    ("chain", "obiasegmentationpath"): ("obia", "obia_segmentation_path"),
    ("chain", "listtiles"): ("chain", "list_tile"),
    **{
        ("chain", name.replace("_", "")): ("arg_classification", name)
        for name in (
            "merge_final_classifications",
            "merge_final_classifications_method",
            "merge_final_classifications_undecidedlabel",
            "merge_final_classifications_ratio",
            "dempstershafer_mob",
            "fusionofclassification_all_samples_validation",
            "keep_runs_results",
        )
    },
    ("argtrain", "options"): ("arg_train", "otb_classifier_options"),
    ("globchain", "proj"): ("chain", "proj"),
    ("slurm", "account"): ("execution", "job_account"),
    ("globchain", "features"): ("arg_train", "features"),
    ("globchain", "autodate"): ("sensors_data_interpolation", "auto_date"),
    ("globchain", "writeoutputs"): ("sensors_data_interpolation", "write_outputs"),
    ("globchain", "useadditionalfeatures"): ("sensors_data_interpolation", "use_additional_features"),
    ("globchain", "usegapfilling"): ("sensors_data_interpolation", "use_gapfilling"),
    ("externalfeatures", "fillmissingdates"): ("sensors_data_interpolation", "fill_missing_dates"),
    ("externalfeatures", "numberofchunks"): ("python_data_managing", "number_of_chunks"),
    ("externalfeatures", "chunksizemode"): ("python_data_managing", "chunk_size_mode"),
    ("externalfeatures", "chunksizex"): ("python_data_managing", "chunk_size_x"),
    ("externalfeatures", "chunksizey"): ("python_data_managing", "chunk_size_y"),
}
_NESTED_ALIASES = {"permodels": "per_model"}


def fold(name: str) -> str:
    """A name without case and underscores, the same for `outputPath` and `output_path`."""
    return name.replace("_", "").lower()


def _fold_nested(name: str) -> str:
    """Without dots too, so that `strategy.percent.p` may be written `strategy_percent_p`."""
    return fold(name).replace(".", "")


def section_fields(section: str) -> dict[str, FieldInfo]:
    """The fields of a section of the model, by key."""
    model = Config.model_fields[section].annotation
    fields: dict[str, FieldInfo] = getattr(model, "model_fields", {})
    return fields


@cache
def known_sections() -> dict[str, str]:
    """All sections, i2db's and iota2's, by folded name."""
    return {fold(name): name for name in (*Config.model_fields, *FOREIGN)}


@cache
def known_keys(section: str) -> dict[str, str]:
    """All keys of a section, by folded name."""
    own = section_fields(section) if section in Config.model_fields else ()
    return {fold(name): name for name in (*own, *FOREIGN.get(section, ()))}


@cache
def _retired() -> dict[str, str]:
    return {fold(name): name for name in RETIRED}


def is_retired(key: str) -> bool:
    """Whether iota2 itself has dropped this key."""
    return fold(key) in _retired()


def find(section: str, key: str) -> tuple[str, str] | None:
    """Today's section and key for a pair in any spelling; None where neither i2db nor iota2 knows it."""
    if moved := _MOVED.get((fold(section), fold(key))):
        return moved
    today = known_sections().get(fold(section))
    if today is None:
        return None
    name = known_keys(today).get(fold(key))
    if name is None and (today in OPEN_SECTIONS or "*" in FOREIGN.get(today, {})):
        name = key
    return None if name is None else (today, name)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that resembles this one most, or None."""
    folded = {fold(each): each for each in known if each != "*"}
    near = get_close_matches(fold(name), folded, n=1, cutoff=0.6)
    return folded[near[0]] if near else None


def suggest_key(section: str, key: str) -> str:
    """What the user may have meant by an unknown key."""
    today = known_sections().get(fold(section), section)
    elsewhere = [
        f"{other}.{names[fold(key)]}"
        for other in known_sections().values()
        if other != today and fold(key) in (names := known_keys(other))
    ]
    if elsewhere:
        return f"did you mean {' or '.join(elsewhere)}?"
    moved = {old_key: f"{new[0]}.{new[1]}" for (old, old_key), new in _MOVED.items() if old == fold(section)}
    near = nearest(key, [*known_keys(today).values(), *moved])
    near = moved.get(near or "", near)
    own = section_fields(today) if today in Config.model_fields else known_keys(today).values()
    return f"did you mean {near}?" if near else f"known are {', '.join(own)}"


def is_section(section: str) -> bool:
    """Whether i2db or any iota2 has a section of this name."""
    return fold(section) in known_sections() or any(fold(section) == old for old, _ in _MOVED)


def suggest_section(section: str) -> str:
    """What the user may have meant by an unknown section."""
    near = nearest(section, known_sections().values())
    return f"did you mean {near}?" if near else f"known are {', '.join(Config.model_fields)}"


@cache
def _selection_keys(in_per_model: bool) -> dict[str, str]:
    fields = (RegionSelection if in_per_model else SampleSelection).model_fields
    names = {_fold_nested(name): field.alias or name for name, field in fields.items()}
    names |= {_fold_nested(name): name for name in names.values()}
    return names if in_per_model else names | _NESTED_ALIASES


def find_selection_key(key: str, *, in_per_model: bool) -> str | None:
    """Today's spelling of a key of sample_selection, or of an entry of its per_model."""
    return _selection_keys(in_per_model).get(_fold_nested(key))


def suggest_selection_key(key: str, *, in_per_model: bool) -> str:
    """What the user may have meant by an unknown key of sample_selection."""
    known = sorted(set(_selection_keys(in_per_model).values()))
    near = nearest(key, known)
    return f"did you mean {near}?" if near else f"known are {', '.join(known)}"


@cache
def _augmentation_keys() -> dict[str, str]:
    names = {_fold_nested(name): field.alias or name for name, field in SampleAugmentation.model_fields.items()}
    return names | {_fold_nested(name): name for name in names.values()}


def find_augmentation_key(key: str) -> str | None:
    """Today's spelling of a key of sample_augmentation."""
    return _augmentation_keys().get(_fold_nested(key))


def suggest_augmentation_key(key: str) -> str:
    """What the user may have meant by an unknown key of sample_augmentation."""
    known = sorted(set(_augmentation_keys().values()))
    near = nearest(key, known)
    return f"did you mean {near}?" if near else f"known are {', '.join(known)}"


def all_keys() -> Iterator[tuple[str, str]]:
    """Section and key of all that the model holds."""
    return ((section, key) for section in Config.model_fields for key in section_fields(section))
