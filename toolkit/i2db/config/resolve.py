"""From what a file says to what the model takes: today's names, foreign keys sorted out, unset keys left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from i2db import __version__
from i2db.config.cfg import parse_content
from i2db.config.findings import Findings, shown
from i2db.config.foreign import FOREIGN, RESERVED_SELECTION_KEYS, UNBUILT_SETTINGS
from i2db.config.learning import RESERVED_AUGMENTATION_KEYS, none_as_text
from i2db.config.model import Config
from i2db.config.otb import parse_options
from i2db.config.spelling import (
    OPEN_SECTIONS,
    find,
    find_augmentation_key,
    find_selection_key,
    is_retired,
    is_section,
    section_fields,
    suggest_augmentation_key,
    suggest_key,
    suggest_section,
    suggest_selection_key,
)
from i2db.config.tree import Content, Entry, Place, Section, plain
from i2db.errors import ConfigError

#: Sections and keys (and what is below) as a path.
KeyPath = tuple[str | int, ...]


@dataclass(slots=True)
class Resolved:
    """Settings by section and key in today's spelling, and the place of each, down to the keys of mappings."""

    settings: dict[str, dict[str, object]] = field(default_factory=dict)
    places: dict[KeyPath, Place] = field(default_factory=dict)

    def place(self, path: KeyPath, default: Place) -> Place:
        """Where the key, or the nearest thing above it, is written."""
        for length in range(len(path), 0, -1):
            if (place := self.places.get(path[:length])) is not None:
                return place
        return default

    def drop(self, section: str, key: str) -> None:
        """Forget a setting and what is below it."""
        self.settings.get(section, {}).pop(key, None)
        for path in [path for path in self.places if path[:2] == (section, key)]:
            del self.places[path]


def resolve(tree: Section, findings: Findings) -> Resolved:
    """The settings of a file; what cannot be used goes to the findings."""
    resolved = Resolved()
    for entry in tree:
        _resolve_section(entry, resolved, findings)
    return resolved


def _resolve_section(entry: Entry, resolved: Resolved, findings: Findings) -> None:
    if not is_section(entry.key):
        if isinstance(entry.content, Section):
            findings.error(entry.place, f"there is no section {entry.key}: {suggest_section(entry.key)}")
        else:
            findings.error(entry.place, f"{entry.key} stands outside of any section: {suggest_key('', entry.key)}")
        return
    if not isinstance(entry.content, Section):
        if entry.content is not None:
            findings.error(entry.place, f"section {entry.key} must be a mapping, {entry.key} : {{ key : value }}")
        return
    for key in entry.content:
        _resolve_key(entry, key, resolved, findings)


def _resolve_key(section: Entry, entry: Entry, resolved: Resolved, findings: Findings) -> None:
    today = find(section.key, entry.key)
    written = f"{section.key}.{entry.key}"
    content = _unset(entry.content)
    if is_retired(entry.key) and (today is None or today[1] == entry.key):
        if content is not None:
            findings.retired(entry.place, written)
        return
    if today is None:
        findings.error(entry.place, f"there is no key {written}: {suggest_key(section.key, entry.key)}")
        return
    name, key = today
    resolved.places.setdefault((name,), section.place)
    if name in OPEN_SECTIONS and key not in section_fields(name):
        _resolve_open(name, entry, resolved, findings)
        return
    if OPEN_SECTIONS.get(name) == key and isinstance(entry.content, Section):
        for below in entry.content:
            _resolve_open(name, below, resolved, findings)
        return
    if _is_foreign(name, key, content, entry.place, findings) or content is None:
        return
    if (name, key) in resolved.places:
        first = resolved.places[name, key]
        findings.error(entry.place, f"{written} is set already in line {first.line}, as {name}.{key}; keep one of them")
        return
    if unbuilt := _unbuilt_setting(name, key, plain(content)):
        findings.error(entry.place, f"not built yet in i2db {__version__}: {name}.{key} = {shown(unbuilt)}")
        return
    if (name, key) == ("arg_train", "sample_selection"):
        content = _selection(content, entry.place, findings)
    elif (name, key) == ("arg_train", "sample_augmentation"):
        content = _augmentation(content, findings)
    resolved.settings.setdefault(name, {})[key] = plain(content)
    _note_places((name, key), content, entry.place, resolved.places)


def _resolve_open(section: str, entry: Entry, resolved: Resolved, findings: Findings) -> None:
    """Take a key of somebody else's naming; None is a setting there."""
    below = OPEN_SECTIONS[section]
    path: KeyPath = (section, below, entry.key)
    held = resolved.settings.setdefault(section, {}).setdefault(below, {})
    if path in resolved.places or not isinstance(held, dict):
        findings.error(entry.place, f"{section}.{entry.key} is set already; keep one of them")
        return
    held[entry.key] = none_as_text(plain(entry.content))
    resolved.places.setdefault((section, below), entry.place)
    _note_places(path, entry.content, entry.place, resolved.places)


def _is_foreign(section: str, key: str, content: Content, place: Place, findings: Findings) -> bool:
    """Whether a key is iota2's alone; says so where it asks for something."""
    if section in Config.model_fields and key in section_fields(section):
        return False
    keys = FOREIGN[section]
    foreign = keys.get(key) or keys["*"]
    if not foreign.is_inert(plain(content)):
        if foreign.kind == "unbuilt":
            instead = f" ({foreign.reason})" if foreign.reason else ""
            findings.error(place, f"not built yet in i2db {__version__}: {section}.{key}{instead}")
        else:
            findings.idle(place, f"{section}.{key}", foreign.reason)
    return True


def _unbuilt_setting(section: str, key: str, content: object) -> str | None:
    """The part of a setting that iota2 knows and i2db does not yet."""
    unbuilt = UNBUILT_SETTINGS.get((section, key), frozenset())
    items = content if isinstance(content, list) else [content]
    return next((item for item in items if isinstance(item, str) and item in unbuilt), None)


def _unset(content: Content) -> Content:
    """None for iota2's quoted 'None', and mappings without the keys that are unset."""
    if isinstance(content, Section):
        entries = {entry.key: Entry(entry.key, _unset(entry.content), entry.place) for entry in content}
        return Section({key: entry for key, entry in entries.items() if entry.content is not None})
    if isinstance(content, list):
        return [_unset(item) for item in content]
    return None if content == "None" else content


def _selection(content: Content, place: Place, findings: Findings, *, in_per_model: bool = False) -> Content:
    """A mapping of sample_selection in today's spelling; unknown and reserved keys go to the findings."""
    if isinstance(content, list) and in_per_model:
        return [_selection(item, place, findings, in_per_model=True) for item in content]
    if not isinstance(content, Section):
        return content
    entries: dict[str, Entry] = {}
    for entry in content:
        written = f"arg_train.sample_selection.{entry.key}"
        if entry.key in RESERVED_SELECTION_KEYS:
            findings.error(entry.place, f"{written} cannot be set: the chain itself says what it is; remove it")
        elif entry.key == "ram" or entry.key.startswith("elev."):
            reason = "execution.memory bounds all tasks" if entry.key == "ram" else "no sample depends on elevation"
            findings.idle(entry.place, written, reason)
        elif (key := find_selection_key(entry.key, in_per_model=in_per_model)) is None:
            advice = suggest_selection_key(entry.key, in_per_model=in_per_model)
            findings.error(entry.place, f"there is no key {written}: {advice}")
        elif (known := entries.get(key)) is not None:
            findings.error(entry.place, f"{written} is set already in line {known.place.line}; keep one of them")
        else:
            below = entry.content
            if key == "per_model":
                below = _selection(below, entry.place, findings, in_per_model=True)
            entries[key] = Entry(key, below, entry.place)
    return Section(entries)


def _augmentation(content: Content, findings: Findings) -> Content:
    """A mapping of sample_augmentation in today's spelling; unknown and reserved keys go to the findings."""
    if not isinstance(content, Section):
        return content
    entries: dict[str, Entry] = {}
    for entry in content:
        written = f"arg_train.sample_augmentation.{entry.key}"
        key = find_augmentation_key(entry.key)
        if entry.key in RESERVED_AUGMENTATION_KEYS:
            findings.error(entry.place, f"{written} cannot be set: the chain itself says what it is; remove it")
        elif key is None:
            findings.error(entry.place, f"there is no key {written}: {suggest_augmentation_key(entry.key)}")
        elif (known := entries.get(key)) is not None:
            findings.error(entry.place, f"{written} is set already in line {known.place.line}; keep one of them")
        else:
            entries[key] = Entry(key, entry.content, entry.place)
    return Section(entries)


def _note_places(path: KeyPath, content: Content, place: Place, places: dict[KeyPath, Place]) -> None:
    places[path] = place
    if isinstance(content, Section):
        for entry in content:
            _note_places((*path, entry.key), entry.content, entry.place, places)
    elif isinstance(content, list):
        for index, item in enumerate(content):
            if isinstance(item, Section):
                first = next(iter(item), None)
                _note_places((*path, index), item, first.place if first else place, places)


def override(resolved: Resolved, overrides: Sequence[str], findings: Findings) -> None:
    """Set keys as `section.key=value` says, in any spelling; more dots lead into mappings."""
    for text in overrides:
        place = Place(f"--set {text}")
        name, sign, written = text.partition("=")
        section, _, rest = name.strip().partition(".")
        key, _, below = rest.partition(".")
        if not (sign and section and key):
            findings.error(place, "must be section.key=value, e.g. arg_train.runs=3")
            continue
        try:
            content = _overriding(written.strip())
        except ConfigError as error:
            fault = error.message.split("\n")[0].removeprefix("value:1:")
            findings.error(place, f"cannot be read, character {fault}")
            continue
        if content == "":
            findings.error(place, f"sets {name.strip()} to nothing; write None for its default")
            continue
        _apply(resolved, section, key, below, content, place, findings)


def _overriding(text: str) -> Content:
    """The value of an override; what no quote or bracket opens may be a text without quotes (the shell took them)."""
    if not text:
        return ""
    try:
        return parse_content(text, "value")
    except ConfigError:
        if text[0] in "'\"[{" or "..." in text:
            raise
        return text


def _apply(
    resolved: Resolved, section: str, key: str, below: str, content: Content, place: Place, findings: Findings
) -> None:
    setting = Section({below: Entry(below, content, place)}) if below else content
    alone = Resolved()
    tree = Section({section: Entry(section, Section({key: Entry(key, setting, place)}), place)})
    for entry in tree:
        _resolve_section(entry, alone, findings)
    today = find(section, key)
    if today is None:
        return
    name, key = today
    if not below:
        resolved.drop(name, key)
    elif (base := resolved.settings.get(name, {}).get(key)) is not None:
        _override_below(resolved, (name, key), base, below, alone)
        return
    for other, keys in alone.settings.items():
        held = resolved.settings.setdefault(other, {})
        below_open = OPEN_SECTIONS.get(other, "")
        for each, found in keys.items():
            old = held.get(each)
            is_added = each == below_open and isinstance(old, dict) and isinstance(found, dict)
            held[each] = {**old, **found} if is_added else found  # type: ignore[dict-item]
    resolved.places |= {path: found for path, found in alone.places.items() if len(path) > 1}


def _override_below(resolved: Resolved, today: tuple[str, str], base: object, below: str, alone: Resolved) -> None:
    """Set a key of a mapping; None takes it out."""
    name, key = today
    if key == "otb_classifier_options":
        try:
            base = parse_options(base)
        except ValueError:
            return  # the model will say what is wrong with it
    if not isinstance(base, dict):
        return  # here too
    find_below = find_augmentation_key if key == "sample_augmentation" else _find_in_selection
    changed = alone.settings.get(name, {}).get(key) or {find_below(below) or below: None}
    if isinstance(changed, dict):
        merged = base | changed
        resolved.settings[name][key] = {each: found for each, found in merged.items() if found is not None}
        for each in changed:
            resolved.places.pop((*today, each), None)
        resolved.places |= {path: found for path, found in alone.places.items() if len(path) > 2}


def _find_in_selection(key: str) -> str | None:
    return find_selection_key(key, in_per_model=False)
