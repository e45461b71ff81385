"""The reader of .cfg files: the grammar, its places, and what it says of a text that breaks it."""

from __future__ import annotations

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from i2db.config.cfg import parse_cfg, parse_content, read_cfg, write_content
from i2db.config.tree import Section, plain
from i2db.errors import ConfigError


def parsed(text: str) -> dict[str, object]:
    return parse_cfg(text, "a.cfg").plain()


def complaint(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_cfg(text, "a.cfg")
    return str(caught.value)


def test_labwork_block_with_a_missing_comma_and_comments() -> None:
    text = """
arg_train :
{
    sampleSelection :
    {
        "sampler":"random",
        "strategy":"percent",
        "strategy.percent.p":0.5
        "rand" : 0 # In order to set the random seed for the sampleSelection app
    }
}
"""
    assert parsed(text) == {
        "arg_train": {
            "sampleSelection": {"sampler": "random", "strategy": "percent", "strategy.percent.p": 0.5, "rand": 0}
        }
    }


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("'it''s'", None),
        ("'a # b'", "a # b"),
        ('"it\'s"', "it's"),
        (r"'it\'s'", "it's"),
        (r"'C:\data\new'", r"C:\data\new"),
        (r"'a\\b'", r"a\b"),
        ("True", True),
        ("False", False),
        ("None", None),
        ("'None'", "None"),
        ("init", "init"),
        ("10", 10),
        ("-3", -3),
        ("1e-3", 0.001),
        (".5", 0.5),
        ("5.", 5.0),
        ("[]", []),
        ("[1, 'a',\n  # a comment\n  [2.5]\n]", [1, "a", [2.5]]),
        ("['a'\n 'b']", ["a", "b"]),
        ('{1:"rate", 2:"statsmaj"}', {"1": "rate", "2": "statsmaj"}),
        ("{'a.b': {c: d},\n}", {"a.b": {"c": "d"}}),
    ],
)
def test_contents(written: str, meant: object) -> None:
    if meant is None and written != "None":
        with pytest.raises(ConfigError, match=r"a comma or a new line must stand before `'s'`|nothing may follow"):
            parse_content(written, "x")
        return
    found = plain(parse_content(written, "x"))
    assert found == meant
    assert type(found) is type(meant)


def test_adjacent_texts_are_keys_of_their_own_and_never_joined() -> None:
    assert parsed("s: {'a':'b'\n'c':'d'}") == {"s": {"a": "b", "c": "d"}}
    assert "`:` should follow the key tail" in complaint("s: {'a':'head'\n'tail'\n}")


def test_value_on_the_next_line_bare_words_and_windows_line_ends() -> None:
    assert parsed("s\r\n:\r\n{ firstStep:init\r\n  a :\r\n  'x' }\r\n".replace("s\r\n:", "s :")) == {
        "s": {"firstStep": "init", "a": "x"}
    }


def test_every_entry_keeps_its_line() -> None:
    tree = parse_cfg("# one\na : {\n b : 1, c : 2\n\n d :\n  { e : 3 } }", "a.cfg")
    section = tree.entries["a"].content
    assert isinstance(section, Section)
    assert [(entry.key, entry.place.line) for entry in section] == [("b", 3), ("c", 3), ("d", 5)]
    assert str(section.entries["d"].place) == "a.cfg:5"


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("s : { a : 1 b : 2 }", ["a.cfg:1:13", "a comma or a new line must stand before `b`", "            ^"]),
        ("chain:\n{\n    ...\n}", ["a.cfg:3:5", "`...` is a placeholder of the documentation: replace it"]),
        ("s : { a : `1+1` }", ["back-ticks", "write the value itself"]),
        ("s : { a : $other }", ["references to other keys are not followed"]),
        ("@'other.cfg'", ["includes are not followed"]),
        ("s : { a : /data/x }", ["a.cfg:1:11", "`/data/x` must be in quotes"]),
        ("s : { a : 31TCJ }", ["`31TCJ` must be in quotes"]),
        ("s : { a : 'x\n }", ["a.cfg:1:11", "no closing quote"]),
        ("s : { a : 1", ["the file ends where `}` should close"]),
        ("s : { a : [1, 2\n", ["the file ends where `]` should close"]),
        ("s : { a : \n b : 1 }", ["a.cfg:1:7", "a is set to nothing; write None"]),
        ("s : { a }", ["`:` should follow the key a, found `}`"]),
        ("s : { a :, }", ["a value should stand here, found `,`"]),
        ("s : { a : 1,, b : 2 }", ["a key should stand here, found `,`"]),
        ("s : { a : 1\n\n a : 2 }", ["a.cfg:3: a is set twice, here and in line 1"]),
        ("s : {}\ns : {}", ["a.cfg:2: s is set twice, here and in line 1"]),
        ("s : " + "[" * 60, ["nested 40 deep at most"]),
    ],
)
def test_broken_texts_are_shown_with_their_place(text: str, pieces: list[str]) -> None:
    message = complaint(text)
    for piece in pieces:
        assert piece in message


def test_the_caret_stands_under_the_fault() -> None:
    lines = complaint("s :\n{\n\tlong : 1 second : 2\n}").split("\n")
    assert lines[1].index("second") == lines[2].index("^")
    assert lines[2].startswith("    \t")


def test_files_that_cannot_be_read(tmp_path) -> None:
    latin = tmp_path / "latin.cfg"
    latin.write_bytes("s : { a : 'forêt' }".encode("latin1"))
    with pytest.raises(ConfigError, match="is not UTF-8") as caught:
        read_cfg(latin)
    assert "iconv" in str(caught.value)
    with pytest.raises(ConfigError, match="there is no such file"):
        read_cfg(tmp_path / "none.cfg")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_cfg(tmp_path)


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\n", exclude_categories=("Cs",)))
)
CONTENTS = st.recursive(
    SCALARS,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text("ab.c'\"\\1é ", max_size=5), below, max_size=4),
    max_leaves=12,
)


def same(left: object, right: object) -> bool:
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(same(*pair) for pair in zip(left, right, strict=True))
    if isinstance(left, dict) and isinstance(right, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, float) and isinstance(right, float):
        return left == right and math.copysign(1, left) == math.copysign(1, right)
    return type(left) is type(right) and left == right


@given(CONTENTS)
def test_what_is_written_is_read_again(content: object) -> None:
    assert same(plain(parse_content(write_content(content), "x")), content)


@given(st.text(max_size=60) | st.text("{}[]:,'\"\n a1.#`\\", max_size=60))
def test_any_text_is_read_or_refused_with_its_place(text: str) -> None:
    with contextlib.suppress(ConfigError):
        parse_cfg(text, "a.cfg")
        return
    assert complaint(text).startswith("a.cfg:")
