from __future__ import annotations

from pathlib import Path

import pytest

from i2db.errors import InputError
from i2db.report.nomenclature import ClassName, read_colors, read_nomenclature

DATA = (Path(__file__).parents[2] / ".." / "shared" / "data").resolve()


def written(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "file.txt"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_both_forms_with_blanks_and_empty_lines(tmp_path: Path) -> None:
    content = (
        "\ufeffglaciers ou neiges et: 53 \r\n\n   \n summer crops : 11 : summer :crops\nwater:65535:eau\nété:1::\n"
    )
    assert read_nomenclature(written(tmp_path, content)) == [
        ClassName(53, "glaciers ou neiges et"),
        ClassName(11, "summer crops", "summer", "crops"),
        ClassName(65_535, "water", "eau"),
        ClassName(1, "été"),
    ]


def test_latin_1_is_read_and_utf_16_refused(tmp_path: Path) -> None:
    assert read_nomenclature(written(tmp_path, "forêt:3\n".encode("latin-1")))[0].name == "forêt"
    with pytest.raises(InputError, match="not a text file in UTF-8 or Latin-1"):
        read_nomenclature(written(tmp_path, "forêt:3\n".encode("utf-16")))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a:1\nb:2\nc:1\n", r"file\.txt:3: label 1 is already used in line 1"),
        ("a:1\n\nb:two\n", r"file\.txt:3: label of class 'b' is 'two', not a whole number"),
        ("a:1.0\n", r"file\.txt:1: .*'1\.0', not a whole number"),
        ("a:²\n", r"file\.txt:1: .*not a whole number"),
        ("a:0\n", r"file\.txt:1: .* is 0, outside 1 to 65535"),
        ("a:65536\n", r"outside 1 to 65535"),
        ("a:-4\n", r"is -4, outside"),
        (" :4\n", r"file\.txt:1: the class 4 has no name"),
        ("maize 4\n", r"file\.txt:1: 'maize 4' is not 'name:label'"),
        ("a:1:b:c:d\n", r"is not 'name:label'"),
        ("\n", r"file\.txt holds no class"),
    ],
)
def test_what_is_wrong_with_a_nomenclature_is_said_with_its_line(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_nomenclature(written(tmp_path, content))


def test_colors(tmp_path: Path) -> None:
    assert read_colors(written(tmp_path, "10 255 85 0\n\n 11\t156  156 156 \n0 0 0 0\n")) == {
        10: (255, 85, 0),
        11: (156, 156, 156),
        0: (0, 0, 0),
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("10 255 85\n", r"file\.txt:1: '10 255 85' is not 'label R G B'"),
        ("10 255 85 0 9\n", "is not 'label R G B'"),
        ("10 1 2 3\n11 1 256 3\n", r"file\.txt:2: green is 256, outside 0 to 255"),
        ("x 1 2 3\n", r"file\.txt:1: label is 'x', not a whole number"),
        ("10 1 2 3\n10 1 2 4\n", r"file\.txt:2: label 10 already has a colour in line 1"),
    ],
)
def test_what_is_wrong_with_colors_is_said_with_its_line(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_colors(written(tmp_path, content))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read .*nowhere\.txt: No such file"):
        read_colors(tmp_path / "nowhere.txt")


def test_real_files_of_iota2s_format() -> None:
    if not DATA.is_dir():
        pytest.skip("the real data are not here (shared/data)")
    classes = read_nomenclature(DATA / "confusion" / "nomenclature.txt")
    assert len(classes) == 24
    assert (classes[0].code, classes[-1]) == (10, ClassName(255, "autres"))
    flanders = DATA / "flanders_2018"
    assert set(read_colors(flanders / "colors.txt")) == {
        c.code for c in read_nomenclature(flanders / "nomenclature.txt")
    }
