"""What no single key can tell: keys that contradict each other, and keys that change nothing beside others."""

from __future__ import annotations

from dataclasses import dataclass

from i2db.config import check_crop_mix, check_functions, check_fusion, check_sensors, check_table
from i2db.config.check_learning import check_learning
from i2db.config.fields import BUILDER_GROUPS, GROUND_TRUTH_KEYS
from i2db.config.findings import Findings, key_name
from i2db.config.model import Config
from i2db.config.resolve import KeyPath, Resolved
from i2db.config.train import Selection
from i2db.config.tree import Place

#: The key that each strategy reads.
_STRATEGY_KEYS = {
    "strategy.percent.p": "percent",
    "strategy.constant.nb": "constant",
    "strategy.byclass.in": "byclass",
    "strategy.total.v": "total",
}
#: Keys that only some kinds of split_by read.
_UNIT_KEYS = {
    "block_size": ("block",),
    "split_field": ("year", "field"),
    "split_region_path": ("region",),
    "split_region_field": ("region",),
}


@dataclass(frozen=True, slots=True)
class Checks:
    """The configuration that is checked, and where what is found goes."""

    config: Config
    resolved: Resolved
    findings: Findings
    whole: Place

    def is_given(self, *path: str | int) -> bool:
        """Whether a key is set."""
        return path in self.resolved.places

    def place(self, *path: str | int) -> Place:
        """Where a key, or the nearest thing above it, is written."""
        return self.resolved.place(path, self.whole)

    def _is_default(self, *path: str | int) -> bool:
        if len(path) != 2:
            return False
        section = getattr(self.config, str(path[0]))
        default = type(section).model_fields[str(path[1])].get_default(call_default_factory=False)
        return bool(getattr(section, str(path[1])) == default)

    def error(self, path: KeyPath, message: str) -> None:
        """Add an error at the place of a key."""
        self.findings.error(self.place(*path), message)

    def idle(self, path: KeyPath, reason: str) -> None:
        """Say that a key has no effect, if it is given and asks for something else than its default."""
        if self.is_given(*path) and not self._is_default(*path):
            self.findings.idle(self.place(*path), key_name(path), reason)


def check(config: Config, resolved: Resolved, findings: Findings, whole: Place) -> None:
    """Add what is contradictory (errors) or idle (warnings) to the findings; `whole` is the place of the file."""
    checks = Checks(config, resolved, findings, whole)
    _check_steps(checks)
    _check_labels(checks)
    _check_ground_truth(checks)
    check_functions.check(checks)
    _check_split(checks)
    _check_selection(checks)
    check_learning(checks)
    check_crop_mix.check(checks)
    check_fusion.check(checks)
    _check_curve(checks)
    check_sensors.check(checks)
    check_table.check(checks)
    _check_user_rasters(checks)
    _check_chunks(checks)
    _check_execution(checks)


def _check_steps(checks: Checks) -> None:
    chain = checks.config.chain
    builder = checks.config.builders.name
    groups = BUILDER_GROUPS[builder]
    first, last = str(chain.first_step), str(chain.last_step)
    if last in BUILDER_GROUPS["i2_classification"] and last not in groups:
        # What an iota2 configuration says for the classification, whose builder was changed.
        checks.idle(("chain", "last_step"), f"the builder {builder} ends with {groups[-1]}")
        last = groups[-1]
    for key, group in (("first_step", first), ("last_step", last)):
        if group not in groups:
            checks.error(
                ("chain", key), f"chain.{key} {group} is no group of the builder {builder}; it has {', '.join(groups)}"
            )
    if first in groups and last in groups and groups.index(first) > groups.index(last):
        checks.error(
            ("chain", "first_step"),
            f"chain.first_step {first} comes after chain.last_step {last}; the order is {', '.join(groups)}",
        )
    if chain.region_path is None:
        checks.idle(("chain", "region_field"), "chain.region_path is not set")


def _check_labels(checks: Checks) -> None:
    """Keys that every builder but the map of features needs."""
    chain, builder = checks.config.chain, checks.config.builders.name
    missing = [key for key in GROUND_TRUTH_KEYS if getattr(chain, key) is None]
    if builder != "i2_features_map":
        for key in missing:
            description = type(chain).model_fields[key].description or ""
            checks.findings.error(checks.place("chain"), f"chain.{key} is missing: {description}")
    elif chain.window is not None and missing:
        checks.error(("chain", "window"), f"chain.window is where most classes are, and chain.{missing[0]} is not set")


def _check_split(checks: Checks) -> None:
    train = checks.config.arg_train
    if not train.split_ground_truth:
        if train.runs != 1:
            checks.error(
                ("arg_train", "split_ground_truth"),
                f"arg_train.split_ground_truth False leaves nothing to draw, so arg_train.runs must be 1, "
                f"not {train.runs}",
            )
        keys = ("ratio", "group_field", "min_distance", "lone_polygon", "split_by", "split_buffer", *_UNIT_KEYS)
        for key in keys:
            checks.idle(("arg_train", key), "arg_train.split_ground_truth is False")
        return
    _check_units(checks)
    if train.leaves_one_out:
        for key in ("ratio", "lone_polygon"):
            checks.idle(
                ("arg_train", key), f"arg_train.split_by {train.split_by} leaves one {train.split_by} out per run"
            )
        return
    if train.ratio == 0:
        checks.error(("arg_train", "ratio"), "arg_train.ratio is 0: no polygon would learn")
    elif train.ratio == 1:
        checks.findings.warn(
            checks.place("arg_train", "ratio"), "arg_train.ratio is 1: no polygon is left to validate the map"
        )


def _check_units(checks: Checks) -> None:
    """What split_by needs, and what it has no use for."""
    train = checks.config.arg_train
    for key, users in _UNIT_KEYS.items():
        if train.split_by not in users:
            checks.idle(("arg_train", key), f"arg_train.split_by is {train.split_by}")
        elif getattr(train, key) is None:
            models = " (the models' own regions cannot be left out: nothing would map them)" if "path" in key else ""
            checks.error(
                ("arg_train", "split_by"), f"arg_train.split_by {train.split_by} needs arg_train.{key}{models}"
            )
    if train.split_by == "block" and train.lone_polygon != "learn":
        checks.idle(("arg_train", "lone_polygon"), "arg_train.split_by is block")


def _check_ground_truth(checks: Checks) -> None:
    path, is_table = checks.config.chain.ground_truth, checks.config.sample_table.is_used
    if (path is None or path.suffix.lower() != ".csv") and not is_table:
        checks.idle(("chain", "ground_truth_proj"), "chain.ground_truth is no CSV file and says its own projection")


def _check_selection(checks: Checks) -> None:
    base: KeyPath = ("arg_train", "sample_selection")
    selection = checks.config.arg_train.sample_selection
    general = selection.for_region("")
    users = [selection.for_region(entry.target_model) for entry in selection.per_model]
    _check_one_selection(checks, base, general)
    # The general keys have an effect if any model inherits them.
    _check_idle_selection(checks, base, [general, *users])
    for index, (entry, own) in enumerate(zip(selection.per_model, users, strict=True)):
        path: KeyPath = (*base, "per_model", index)
        _check_one_selection(checks, path, own)
        _check_idle_selection(checks, path, [own])
        if checks.config.chain.region_path is None and entry.target_model != "1":
            checks.findings.warn(
                checks.place(*path),
                f"{key_name(path)} is for model {entry.target_model}, but without chain.region_path model 1 is the "
                "only one",
            )


def _check_one_selection(checks: Checks, path: KeyPath, selection: Selection) -> None:
    """A strategy needs its number, where OTB has no default for it."""
    name, place = key_name(path), checks.place(*path, "strategy")
    if selection.strategy == "constant" and selection.count is None:
        checks.findings.error(place, f'{name} has strategy constant, which needs "strategy.constant.nb"')
    if selection.strategy == "byclass" and selection.byclass_path is None:
        checks.findings.error(place, f'{name} has strategy byclass, which needs "strategy.byclass.in", a CSV file')


def _check_idle_selection(checks: Checks, path: KeyPath, users: list[Selection]) -> None:
    """Keys that no model which reads them has a use for."""
    strategies = sorted({user.strategy for user in users})
    for key, strategy in _STRATEGY_KEYS.items():
        if strategy not in strategies:
            checks.idle((*path, key), f"the strategy is {' or '.join(strategies)}")
    if all(user.sampler == "random" for user in users):
        checks.idle((*path, "sampler.periodic.jitter"), "the sampler is random")
    if all(user.strategy == "all" for user in users):
        checks.idle((*path, "rand"), "the strategy is all, which leaves nothing to draw")
    elif all(user.sampler == "periodic" and user.jitter == 0 for user in users):
        checks.idle((*path, "rand"), "the periodic sampler without jitter draws nothing")


def _check_curve(checks: Checks) -> None:
    train = checks.config.arg_train
    if train.learning_curve and train.extraction == "selected":
        checks.error(
            ("arg_train", "extraction"),
            "arg_train.extraction selected stores no val pixels, which arg_train.learning_curve is tested on",
        )


def _check_user_rasters(checks: Checks) -> None:
    section, root = checks.config.user_feat, checks.config.chain.user_feat_path
    if root is None:
        for key in ("patterns", "arbo"):
            checks.idle(("user_feat", key), "chain.user_feat_path is not set")
    elif not section.patterns:
        checks.error(
            ("chain", "user_feat_path"),
            "chain.user_feat_path needs user_feat.patterns: parts of the names of its files, e.g. 'mnt pente aspect'",
        )
    names = [*(section.patterns if root is not None else ()), *section.files]
    folded = [name.lower() for name in names]
    for name in names:
        if folded.count(name.lower()) > 1:
            checks.error(("user_feat", "files"), f"user_feat names the raster {name} twice, in patterns or files")
            break
    for name in section.interpolators:
        if name not in names:
            known = ", ".join(names) or "none"
            checks.error(
                ("user_feat", "interpolators", name),
                f"user_feat.interpolators names {name}, which is no raster of user_feat ({known})",
            )


def _check_chunks(checks: Checks) -> None:
    managing = checks.config.python_data_managing
    chunking = managing.chunking
    if chunking is None:
        return
    if chunking.size is not None:
        checks.idle(("python_data_managing", "number_of_chunks"), "chunks are cut by chunk_size_x and chunk_size_y")
    else:
        for key in ("chunk_size_x", "chunk_size_y"):
            checks.idle(("python_data_managing", key), "chunks are cut by number_of_chunks")


def _check_execution(checks: Checks) -> None:
    execution = checks.config.execution
    if execution.scheduler_type == "cluster" and execution.scheduler_address is None:
        checks.error(
            ("execution", "scheduler_type"),
            "execution.scheduler_type cluster needs execution.scheduler_address, e.g. 'tcp://node1:8786'",
        )
    if execution.scheduler_type not in ("Slurm", "PBS"):
        for key in ("job_memory", "job_walltime", "job_queue", "job_account", "job_directives"):
            checks.idle(("execution", key), "execution.scheduler_type is neither Slurm nor PBS")
    elif execution.nb_parallel_tasks is None:
        checks.error(
            ("execution", "nb_parallel_tasks"),
            f"scheduler_type {execution.scheduler_type} needs execution.nb_parallel_tasks: the number of jobs",
        )
    if execution.scheduler_address is not None and execution.scheduler_type not in ("cluster", None):
        checks.error(
            ("execution", "scheduler_address"),
            f"execution.scheduler_address needs scheduler_type cluster, not {execution.scheduler_type}",
        )
