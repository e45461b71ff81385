"""The pages of docs/reference, made from the code: schema, configuration model, sensors, stages, commands.

`python -m i2db.cli.reference` writes them anew; a test says when they are behind.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from i2db.config.cfg import write_content
from i2db.config.model import Config
from i2db.resources import schema_folder
from i2db.sensors.declaration import Calibration, Mask, Rule, Sensor, all_sensors
from i2db.stages.chain import BUILDERS, all_stages
from i2db.store.database import Database
from i2db.store.statement import load, schema_files

#: Titles of the schema's files, by the word in their names.
_AREAS = {
    "catalogue": "What ran and what was found",
    "reference": "What the rest refers to",
    "ground_truth": "Ground truth",
    "sample": "Samples",
    "model": "Models",
    "prediction": "Predictions",
    "accuracy": "Intervals, areas, separability",
    "views": "Views and macros",
    "failures": "Where the map fails",
}

#: What stands for the setting of an option, by its type.
_WORDS: dict[type, str] = {Path: "PATH", int: "NUMBER", str: "TEXT", bool: ""}

#: What the pages begin with.
_COMMANDS = (
    "Data go to the standard output, progress and messages to the standard error. Exit codes: 0 done, 1 tasks "
    "failed, 2 usage or configuration, 3 a broken contract (an audit, a checksum), 4 the database is locked by "
    "a run."
)
_AS_IOTA2 = (
    "`i2db -config c.cfg ...` is `i2db run c.cfg ...`. iota2's options with one dash and underscores "
    "(`-scheduler_type`, `-nb_parallel_tasks`, `-starting_step`, `-ending_step`, `-only_summary`, `-restart`) "
    "are the options above; `-restart` is what every run does. The environment variable `OTB_MAX_RAM_HINT` "
    "(MB) sets `execution.memory_per_task` where the configuration does not."
)
_CONFIGURATION = (
    "A configuration is iota2's `.cfg` or a TOML file with the same sections and keys; `i2db config example` "
    "prints one with all of them, `i2db config migrate` rewrites an old one. Keys may be spelt as in any iota2 "
    "(`outputPath`, `output_path`; [From iota2](../from-iota2.md)). Relative paths count from the folder of "
    "the file. On the command line `--set section.key=setting` changes a key."
)
_TABLES = (
    '`i2db show OUT` lists them, `i2db show OUT NAME` shows one, `i2db sql OUT "..."` asks. Geometry columns '
    "are in the project's projection. [Questions to ask](../how-to/sql.md)."
)
_SAMPLE_WIDE = (
    "Once features are extracted there is also the view `sample_wide`: a row per extracted pixel with its "
    "position, class and one column per row of table `feature`. It is what `i2db export OUT samples` writes."
)
_SENSORS = (
    "A sensor is declared in `schemas/sensors/`, one TOML file each, not coded "
    "([why](../decisions/0005-sensors-are-declared.md)); [your own](../how-to/own-sensor.md) as well. "
    "The database has reflectance x 10000 = number * scale "
    "+ offset."
)
_STAGES = (
    "The chains of the builders. A stage makes tasks; a task with work runs in a worker that never sees the "
    "database and leaves a *part*; publishing a stage's results is one transaction. `needs` are stages whose "
    "files it reads. `i2db run --only-summary` lists the steps with their numbers."
)


_APPLICATIONS = (
    "OTB's applications, with OTB's names for their parameters: `i2db app NAME -key value ...` from the shell, "
    "`i2db.apps.create(NAME, {key: value})` in Python ([how to use and chain them](../applications.md)). `ram` is in "
    "every one: MB that a window may take; the result does not depend on it."
)


def pages(app: typer.Typer) -> dict[str, str]:
    """The text of every page by its file name; `app` is the command line, which the code below cli/ does not know."""
    return {
        "commands.md": commands_page(app),
        "configuration.md": configuration_page(),
        "tables.md": tables_page(),
        "sensors.md": sensors_page(),
        "stages.md": stages_page(),
        "applications.md": applications_page(),
    }


def write_pages(app: typer.Typer, folder: Path) -> list[Path]:
    """Write the pages into a folder, and say which changed."""
    from i2db.files import write_whole

    changed = []
    for name, text in pages(app).items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            write_whole(path, text)
            changed.append(path)
    return changed


def _page(title: str, source: str, lines: Iterable[str]) -> str:
    note = f"*Made from {source} by `python -m i2db.cli.reference`; do not edit.*"
    return "\n".join([f"# {title}", "", note, "", *lines]).rstrip() + "\n"


def _cell(content: object) -> str:
    """A text that stays in one cell of a Markdown table."""
    return str(content).replace("|", "\\|").replace("\n", " ")


def _table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    yield f"| {' | '.join(headings)} |"
    yield f"|{'---|' * len(headings)}"
    for row in rows:
        yield f"| {' | '.join(_cell(cell) for cell in row)} |"
    yield ""


# Applications


def applications_page() -> str:
    """All applications with their parameters, and where they are as OTB's and where not."""
    from i2db.apps.application import APPLICATIONS, find_application

    lines = [_APPLICATIONS, ""]
    for kind in map(find_application, APPLICATIONS):
        lines += [f"## {kind.name}", "", f"{kind.summary[0].upper()}{kind.summary[1:]}.", ""]
        rows = [(f"`{each.key}`", each.kind, each.told_default, each.told_help) for each in kind.parameters]
        lines += _table(("parameter", "takes", "default", "meaning"), rows)
        for title, quirks in (("As in OTB", kind.reproduced), ("Not as in OTB", kind.mended)):
            if quirks:
                lines += [f"{title}:", "", inspect.cleandoc(quirks), ""]
        if kind.needless:
            reasons = dict.fromkeys(kind.needless.values())
            told = [
                ", ".join(f"`{key}`" for key, why in kind.needless.items() if why == reason) + f": {reason}."
                for reason in reasons
            ]
            lines += ["Refused, because they would change nothing:", "", *(f"- {text}" for text in told), ""]
    return _page("Applications", "the applications in `toolkit/i2db/apps/`", lines)


# Commands


def commands_page(app: typer.Typer) -> str:
    """All commands with their arguments, options and examples."""
    group: Any = typer.main.get_command(app)
    commands = list(_commands(group, "i2db"))
    lines = [
        _COMMANDS,
        "",
        *_table(
            ("command", "what it does"),
            [(f"[`{name}`](#{name.replace(' ', '-')})", _first_line(command)) for name, command in commands],
        ),
        "Before the command:",
        "",
        *_parameters(group),
    ]
    for name, command in commands:
        text = inspect.cleandoc(command.help or "")
        prose, _, example = text.partition("Example: ")
        lines += [f"## {name}", "", prose.strip(), ""]
        if example:
            lines += ["```", example.strip(), "```", ""]
        lines += _parameters(command)
    lines += [
        "## As iota2 writes it",
        "",
        _AS_IOTA2,
    ]
    return _page("Commands", "the command line", lines)


def _commands(group: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if getattr(command, "commands", None):
            yield from _commands(command, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}", command


def _first_line(command: Any) -> str:
    return inspect.cleandoc(command.help or "").splitlines()[0]


def _parameters(command: Any) -> Iterator[str]:
    """A table of the arguments and options of a command; hidden ones are left out."""
    hints = get_type_hints(inspect.unwrap(command.callback)) if command.callback else {}
    rows = []
    for parameter in command.params:
        if getattr(parameter, "hidden", False):
            continue
        word = parameter.metavar or _word(hints.get(parameter.name))
        if parameter.param_type_name == "argument":
            shown = parameter.name.rstrip("_").upper()
            name = f"`{shown}`" if parameter.required else f"`[{shown}]`"
        else:
            name = ", ".join(f"`{option}`" for option in parameter.opts) + (f" {word}" if word else "")
        rows.append((name, parameter.help or "", _default(parameter.default)))
    if rows:
        yield from _table(("argument or option", "meaning", "default"), rows)


def _default(content: object) -> str:
    if isinstance(content, Enum):
        return f"`{content.value}`"
    if content is None or content is False or content in ([], ()) or callable(content):
        return ""
    return f"`{content}`"


def _word(hint: Any) -> str:
    """What stands for the setting of an option."""
    kinds = [kind for kind in (get_args(hint) if isinstance(hint, UnionType) else (hint,)) if kind is not type(None)]
    kind = kinds[0] if kinds else None
    if isinstance(kind, type) and issubclass(kind, Enum):
        return "/".join(str(member.value) for member in kind)
    return _WORDS.get(kind, "TEXT") if isinstance(kind, type) else "TEXT"


# Configuration


def configuration_page() -> str:
    """All sections and keys with type, default and meaning."""
    lines = [
        _CONFIGURATION,
        "",
    ]
    for name, field in Config.model_fields.items():
        assert isinstance(field.annotation, type)
        assert issubclass(field.annotation, BaseModel)
        lines += [f"## {name}", "", field.description or "", ""]
        lines += _table(("key", "type", "default", "meaning"), _key_rows(field.annotation, ""))
    return _page("Configuration", "the model in `toolkit/i2db/config`", lines)


def _key_rows(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, str, str, str]]:
    schema = model.model_json_schema(by_alias=True)
    for name, field in model.model_fields.items():
        key = field.alias or name
        inner = _section_of(field)
        if inner is not None and not prefix:
            yield f"`{key}`", "section", "", field.description or ""
            yield from _key_rows(inner, f"{key} › ")
            continue
        kind = _kind(schema["properties"][key], schema)
        default = "**must be set**" if field.is_required() else f"`{write_content(_plain_default(field))}`"
        yield f"{prefix}`{key}`", kind, default, field.description or ""
        for entry in _sections_in(field):
            yield from _key_rows(entry, f"{prefix}{key} › ")


def _plain_default(field: FieldInfo) -> Any:
    return field.get_default(call_default_factory=True)


def _section_of(field: FieldInfo) -> type[BaseModel] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _sections_in(field: FieldInfo) -> list[type[BaseModel]]:
    """Sections that a list holds (per_model)."""
    inner = get_args(field.annotation) if get_origin(field.annotation) is tuple else ()
    return [kind for kind in inner if isinstance(kind, type) and issubclass(kind, BaseModel)]


def _kind(node: dict[str, Any], schema: dict[str, Any]) -> str:
    """A type of the JSON Schema in words, with its range."""
    if "$ref" in node:
        return "mapping"
    if "enum" in node or "const" in node:
        return " / ".join(f"`{choice}`" for choice in node.get("enum", [node.get("const")]))
    if "anyOf" in node:
        kinds = [_kind(choice, schema) for choice in node["anyOf"] if choice.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    words = {"string": "text", "integer": "whole number", "number": "number", "boolean": "True / False"}
    if node.get("type") == "array":
        items = node.get("items", {})
        return f"list of {_kind(items, schema)}" if items else "list"
    word = words.get(str(node.get("type")), "mapping")
    low, high = node.get("minimum", node.get("exclusiveMinimum")), node.get("maximum")
    if low is not None and high is not None:
        return f"{word}, {low} to {high}"
    return f"{word}, from {low}" if low is not None else word


# Tables


def tables_page() -> str:
    """All tables, views and macros, with types and comments, in the order of the schema's files."""
    with Database.in_memory(threads=1) as database:
        database.create_schema()
        comments = {name: (kind, comment) for kind, name, comment in database.table_names()}
        columns: dict[str, list[tuple[str, str, str]]] = {}
        for row in database.rows("catalogue/columns"):
            columns.setdefault(row["relation"], []).append((row["column_name"], row["data_type"], row["comment"] or ""))
        macros = {name: comment for name, (kind, comment) in comments.items() if kind == "macro"}
    lines = [
        _TABLES,
        "",
        _SAMPLE_WIDE,
        "",
    ]
    for path in schema_files():
        word = path.stem.partition("_")[2]
        lines += [f"## {_AREAS.get(word, word)}", "", f"`schemas/{path.name}`", ""]
        for name in _relations_of(path):
            if name not in columns:
                continue
            kind, comment = comments[name]
            lines += [f"### {name}", "", f"*{kind}*: {comment}", ""]
            rows = [(f"`{column}`", data_type, text) for column, data_type, text in columns[name]]
            lines += _table(("column", "type", "meaning"), rows)
    for name, comment in macros.items():
        lines += [f"### {name}", "", f"*macro*: {comment}", "", *_macro_columns(name)]
    return _page("Tables and views", "the schema in `schemas/`", lines)


def _relations_of(path: Path) -> list[str]:
    """Names of the tables and views that a schema file creates, in its order."""
    names = []
    for line in path.read_text(encoding="utf-8").splitlines():
        words = line.replace("(", " ").split()
        if words[:1] == ["CREATE"]:
            kind = next((word for word in words if word in ("TABLE", "VIEW", "MACRO")), None)
            if kind in ("TABLE", "VIEW"):
                names.append(words[words.index("EXISTS") + 1] if "EXISTS" in words else words[words.index(kind) + 1])
    return names


def _macro_columns(name: str) -> Iterator[str]:
    """Columns of a table macro, asked of the database with an empty text for each parameter."""
    call = name.partition("(")[0] + "(" + ", ".join("''" for _ in name.partition("(")[2].split(",")) + ")"
    with Database.in_memory(threads=1) as database:
        database.create_schema()
        described = database.query(f"DESCRIBE FROM {call}").fetchall()
    yield from _table(("column", "type"), [(f"`{row[0]}`", row[1]) for row in described])


# Sensors


def sensors_page() -> str:
    """All declared sensors."""
    lines = [
        _SENSORS,
        "",
    ]
    for sensor in all_sensors():
        lines += _sensor(sensor)
    return _page("Sensors", "the declarations in `schemas/sensors/`", lines)


def _sensor(sensor: Sensor) -> Iterator[str]:
    source = next(
        path.name
        for path in sorted((schema_folder() / "sensors").glob("*.toml"))
        if f'name = "{sensor.name}"' in path.read_text(encoding="utf-8")
    )
    yield from (f"## {sensor.title}", "", f"`schemas/sensors/{source}`", "")
    facts = [
        ("prefix of its features", f"`{sensor.prefix}_`"),
        ("folder of its tiles", f"`chain.{sensor.path_key}`"),
        ("section of the configuration", f"`{sensor.section}`"),
        ("products", f"{sensor.layout}, `{sensor.product.text}`"),
        ("dates", _dates(sensor)),
        ("no data", "not declared" if sensor.nodata is None else f"{sensor.nodata:g}"),
        *([] if sensor.valid is None else [("valid numbers", "{:g} to {:g}".format(*sensor.valid))]),
        ("red, near and short-wave infrared", ", ".join(str(band) for band in (sensor.red, sensor.nir, sensor.swir))),
        ("mask dilation", f"{sensor.mask_dilation} pixels"),
    ]
    if sensor.calibration is not None:
        facts += _calibration(sensor.calibration)
    yield from _table(("", ""), facts)
    yield from _table(
        ("band", "resolution, m", "scale", "offset", "file"),
        [
            (
                band.name,
                f"{band.resolution:g}",
                *(("metadata",) * 2 if sensor.calibration else (f"{band.scale:g}", f"{band.offset:g}")),
                f"`{band.file.text}`" + (f", band {band.index}" if band.index > 1 else ""),
            )
            for band in sensor.bands
        ],
    )
    yield from _table(
        ("mask", "file", "not clear", "outside the swath"),
        [(mask.name, f"`{mask.file.text}`", *_mask_rules(mask)) for mask in sensor.masks],
    )


def _dates(sensor: Sensor) -> str:
    if sensor.dates == "own":
        return "own: gaps are filled at the dates of acquisition"
    return f"regular, every {sensor.temporal_resolution} days unless configured"


def _calibration(calibration: Calibration) -> list[tuple[str, str]]:
    """How the metadata of a product calibrate it."""
    divisors = " or ".join(f"`{path}`" for path in calibration.divide_by)
    rows = [("calibration", f"`{calibration.file.text}`: reflectance = (number + added) / {divisors}")]
    if calibration.add is not None:
        required = f"; an error where `{calibration.version}` is {calibration.add_since:g} or more"
        missing = f"where it is missing {calibration.add_missing:g}{required if calibration.version else ''}"
        rows.append(("added", f"`{calibration.add}`; {missing}"))
    return rows


def _mask_rules(mask: Mask) -> tuple[str, str]:
    return _rule(mask.invalid), _rule(mask.outside)


def _rule(rule: Rule | None) -> str:
    if rule is None:
        return ""
    return "not 0" if rule.kind == "nonzero" else f"{rule.kind} {', '.join(str(number) for number in rule.numbers)}"


# Stages


def stages_page() -> str:
    """The stages of the chain in their order."""
    lines = [_STAGES, ""]
    for builder, chain in BUILDERS.items():
        lines += [f"Builder `{builder}`:", ""]
        lines += _table(
            ("step", "stage", "group", "what it does"),
            [
                (number, f"[`{stage.name}`](#{stage.name})", stage.group, stage.title)
                for number, stage in enumerate(chain, start=1)
            ],
        )
    for stage in all_stages():
        lines += [f"## {stage.name}", "", f"{stage.title} (group {stage.group}, version {stage.version}).", ""]
        lines += _table(
            ("", ""),
            [
                ("work", "in workers" if stage.work else "SQL and the coordinator only"),
                ("reads", _names(stage.reads)),
                ("writes", _names(stage.writes) or "files only"),
                *([("needs", _names(stage.needs))] if stage.needs else []),
            ],
        )
        if stage.sql:
            lines += _table(("SQL", "purpose"), [(f"`sql/{name}.sql`", _purpose(name)) for name in stage.sql])
    return _page("Stages", "the stages in `toolkit/i2db/stages`", lines)


def _names(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _purpose(name: str) -> str:
    """The sentence that a .sql file starts with."""
    return load(name)[0].text.splitlines()[0].removeprefix("--").strip()
