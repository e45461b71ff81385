"""Expressions against numpy, against Python's own arithmetic on random trees, and against OTB's documented cases."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from i2db.errors import ConfigError, ContractError, I2dbError
from i2db.raster.expression import MAXIMUM_DEPTH, compile_expression


def value(text: str, **values: Any) -> float:
    return float(compile_expression(text, list(values)).evaluate(values))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("8 - 3 - 2", 3),
        ("8 / 4 / 2", 1),
        ("2 ^ 3 ^ 2", 512),
        ("-2 ^ 2", -4),
        ("2 ^ -1", 0.5),
        ("2 * -3 ^ 2", -18),
        ("2 ^ -2 ^ 2", 2**-4),
        ("- - 3", 3),
        ("5 - -3", 8),
        ("+3 - +2", 1),
        ("-2 * 3", -6),
        ("1 < 2 == 1", 1),
        ("3 > 2 > 1", 0),
        ("1 + 1 == 2 && 3 >= 3", 1),
        ("0 && 0 || 1", 1),
        ("1 || 0 && 0", 1),
        ("1 or 0 and 0", 1),
        ("2 != 2", 0),
        ("1 ? 2 : 3", 2),
        ("0 ? 1 : 0 ? 2 : 3", 3),
        ("1 ? 0 ? 1 : 2 : 3", 2),
        ("0 || 0 ? 1 : 2", 2),
        ("1 ? 2 : 3 + 4", 2),
        (".5 + 1. + 1e2 + 2.5E-1", 101.75),
        ("rint(2.5) + rint(3.5)", 7),
        ("rint(-0.5)", 0),
        ("sign(-3) + 10 * sign(0) + 100 * sign(2)", 99),
        ("min(3, 1, 2) + 10 * max(3, 1, 2)", 31),
        ("sum(1, 2, 3, 4) + avg(1, 2, 6)", 13),
        ("max(7)", 7),
        ("atan2(1, -1)", 3 * math.pi / 4),
        ("ndvi(1, 3)", 0.5),
        ("ndvi(0.0000003, 0.0000004)", 0),
        ("ndvi(-2, 2)", 0),
        ("log(e) + ln(_e) + log10(100) + log2(8)", 7),
        ("exp(1) - e", 0),
        ("pi - _pi + cos(pi)", -1),
        ("log2e * ln2 + log10e * ln10", 2),
        ("euler", 0.5772156649),
        ("abs(-3) + sqrt(16)", 7),
        (" \t1\n+\n1 ", 2),
    ],
)
def test_cases_computed_by_hand(text: str, expected: float) -> None:
    assert value(text) == pytest.approx(expected, abs=1e-10)


def test_the_expression_of_the_manual_on_arrays() -> None:
    random = np.random.default_rng(1)
    red = random.integers(0, 3000, (50, 40)).astype(np.int16)
    near_infrared = random.integers(0, 5000, (50, 40)).astype(np.int16)
    expression = compile_expression("(im1b4 - im1b3) / (im1b4 + im1b3) > 0.4 ? 255 : 0", ["im1b1", "im1b4", "im1b3"])
    assert expression.variables == ("im1b4", "im1b3")
    result = expression.evaluate({"im1b3": red, "im1b4": near_infrared})
    a, b = near_infrared.astype(np.float64), red.astype(np.float64)
    with np.errstate(all="ignore"):
        expected = np.where((a - b) / (a + b) > 0.4, 255.0, 0.0)
    assert result.dtype == np.float64
    assert np.array_equal(result, expected)


@pytest.mark.parametrize(
    "name",
    [
        "sin",
        "cos",
        "tan",
        "asin",
        "acos",
        "atan",
        "sinh",
        "cosh",
        "tanh",
        "asinh",
        "acosh",
        "atanh",
        "exp",
        "sqrt",
        "log10",
        "log2",
    ],
)
def test_functions_are_those_of_the_c_library(name: str) -> None:
    numbers = np.array([-2.0, -0.5, 0.25, 0.9, 1.5, 3.0])
    result = compile_expression(f"{name}(x)", ["x"]).evaluate({"x": numbers})
    for number, found in zip(numbers, result, strict=True):
        try:
            expected = getattr(math, name)(number)
        except ValueError:
            expected = math.nan
        assert found == pytest.approx(expected, nan_ok=True, rel=1e-14)


def test_division_by_zero_and_nan_are_those_of_c() -> None:
    x = np.array([1.0, -1.0, 0.0, np.nan])
    result = compile_expression("x / 0", ["x"]).evaluate({"x": x})
    np.testing.assert_array_equal(result, [np.inf, -np.inf, np.nan, np.nan])
    # NaN is not 0, so it is true; and C++'s std::min passes over a NaN that comes later only.
    np.testing.assert_array_equal(compile_expression("x ? 1 : 2", ["x"]).evaluate({"x": x}), [1, 1, 2, 1])
    assert value("min(1, x)", x=np.nan) == 1
    assert math.isnan(value("min(x, 1)", x=np.nan))
    assert value("sign(x)", x=np.nan) == 0
    assert math.isnan(value("(-8) ^ (1 / 3)"))


def test_the_result_is_double_and_does_not_touch_the_input() -> None:
    x = np.array([30_000], dtype=np.int16)
    expression = compile_expression("x", ["x"])
    result = expression.evaluate({"x": x})
    result[0] = 0
    assert x[0] == 30_000
    assert value("x + x", x=x[0]) == 60_000  # no overflow of int16
    doubles = np.ones(3)
    expression.evaluate({"x": doubles})[:] = 0
    assert doubles.tolist() == [1, 1, 1]


def test_shapes_broadcast_and_constants_fill() -> None:
    expression = compile_expression("a + 10 * b", ["a", "b"])
    assert expression.evaluate({"a": np.array([1, 2]), "b": np.array([[1], [2]])}).tolist() == [[11, 12], [21, 22]]
    constant = compile_expression("2 ^ 3", ["a"])
    assert constant.variables == ()
    assert constant.evaluate({"a": np.zeros((2, 2))}).tolist() == [[8, 8], [8, 8]]
    assert constant.evaluate({}).shape == ()


def test_it_travels_to_a_worker() -> None:
    expression = compile_expression("b > 1 ? ndvi(a, b) : rint(a)", ["a", "b"])
    copy = pickle.loads(pickle.dumps(expression))
    assert copy == expression
    assert hash(copy) == hash(expression)
    assert str(copy) == "b > 1 ? ndvi(a, b) : rint(a)"
    assert copy.evaluate({"a": 1, "b": 3}) == expression.evaluate({"a": 1, "b": 3})


def test_a_missing_value_is_told() -> None:
    with pytest.raises(ContractError, match="no values for b in expression 'a \\+ b'"):
        compile_expression("a + b", ["a", "b"]).evaluate({"a": 1})


def test_long_expressions_need_no_depth() -> None:
    names = [f"b{i}" for i in range(1, 3001)]
    assert value("+".join(names), **dict.fromkeys(names, 1.0)) == 3000
    recode = ":".join(f"x == {i} ? {10 * i}" for i in range(2000)) + " : -1"
    numbers = np.array([0, 7, 1999, 2000])
    assert compile_expression(recode, ["x"]).evaluate({"x": numbers}).tolist() == [0, 70, 19990, -1]
    half = MAXIMUM_DEPTH - 2
    assert value("(" * half + "1" + ")" * half) == 1


numbers = st.floats(-100, 100, allow_nan=False).map(lambda number: float(f"{number:.3f}"))
leaves = st.one_of(
    numbers.map(lambda number: (f"({number!r})", f"np.float64({number!r})")), st.sampled_from([("x", "x"), ("y", "y")])
)
Pair = tuple[str, str]


def _combined(children: st.SearchStrategy[Pair]) -> st.SearchStrategy[Pair]:
    """Larger expressions as (BandMath, Python) pairs; parentheses only where Python needs them for its chains."""
    arithmetic = st.tuples(children, st.sampled_from("+-*/"), children).map(
        lambda t: (f"{t[0][0]} {t[1]} {t[2][0]}", f"{t[0][1]} {t[1]} {t[2][1]}")
    )
    parenthesised = children.map(lambda pair: (f"({pair[0]})", f"({pair[1]})"))
    negative = children.map(lambda pair: (f"-{pair[0]}", f"-{pair[1]}"))
    square = children.map(lambda pair: (f"({pair[0]})^2", f"({pair[1]})**2.0"))
    negative_square = children.map(lambda pair: (f"-({pair[0]})^2", f"-({pair[1]})**2.0"))
    comparison = st.tuples(children, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), children).map(
        lambda t: (f"({t[0][0]} {t[1]} {t[2][0]})", f"np.float64(({t[0][1]}) {t[1]} ({t[2][1]}))")
    )
    logic = st.tuples(children, st.sampled_from([("&&", "and"), ("||", "or"), ("and", "and")]), children).map(
        lambda t: (f"({t[0][0]} {t[1][0]} {t[2][0]})", f"np.float64(bool({t[0][1]}) {t[1][1]} bool({t[2][1]}))")
    )
    choice = st.tuples(children, children, children).map(
        lambda t: (f"({t[0][0]} ? {t[1][0]} : {t[2][0]})", f"(({t[1][1]}) if ({t[0][1]}) else ({t[2][1]}))")
    )
    call = st.tuples(st.sampled_from(["min", "max", "sum"]), children, children).map(
        lambda t: (f"{t[0]}({t[1][0]}, {t[2][0]})", f"{'add' if t[0] == 'sum' else t[0]}({t[1][1]}, {t[2][1]})")
    )
    return st.one_of(arithmetic, parenthesised, negative, square, negative_square, comparison, logic, choice, call)


@settings(deadline=None, max_examples=400)
@given(pair=st.recursive(leaves, _combined, max_leaves=20), x=numbers, y=numbers)
def test_random_trees_equal_pythons_evaluation(pair: Pair, x: float, y: float) -> None:
    ours, pythons = pair
    names = {"np": np, "x": np.float64(x), "y": np.float64(y), "add": lambda a, b: a + b}
    with np.errstate(all="ignore"):
        expected = eval(pythons, names)
    assume(math.isfinite(expected))
    found = compile_expression(ours, ["x", "y"]).evaluate({"x": x, "y": y})
    assert float(found) == pytest.approx(float(expected), rel=1e-12, abs=1e-12)


@settings(deadline=None, max_examples=400)
@given(text=st.text(alphabet="b12 +-*/^()<>=!&|?:,.eandmixsqrt\n%$é", max_size=30))
def test_any_text_is_an_expression_or_a_clear_error(text: str) -> None:
    try:
        expression = compile_expression(text, ["b1", "b2"])
    except ConfigError as error:
        line, caret = error.message.split("\n")[1:3]
        assert caret.strip() == "^"
        assert caret.index("^") <= len(line)
    else:
        assert expression.evaluate({"b1": np.ones(3), "b2": np.full(3, 2)}).shape in ((3,), ())


@pytest.mark.parametrize(
    ("text", "position", "problem", "hint"),
    [
        ("(b8 - b44) / b4", 6, "unknown variable b44", "did you mean b4?"),
        ("b8 + nvdi(b4, b8)", 5, "unknown function nvdi", "did you mean ndvi?"),
        ("B8 + 1", 0, "unknown variable B8", "did you mean b8?"),
        ("if(b8, 1, 2)", 0, "unknown function if", "condition ? a : b"),
        ("2 * (b8 + (b4 - 1)", 4, "this parenthesis is never closed", None),
        ("b8 + b4)", 7, "this parenthesis was never opened", None),
        ("ndvi(b4)", 0, "function ndvi takes two arguments, not 1", None),
        ("1 + sqrt(b4, 2)", 4, "function sqrt takes one argument, not 2", None),
        ("max()", 0, "function max takes one argument or more, not 0", None),
        ("sin b4", 0, "function sin needs its arguments in parentheses", None),
        ("b8 b4", 3, "an operator is missing before 'b4'", None),
        ("b8 + * b4", 5, "unexpected '*' after '+'", None),
        ("/ b8", 0, "unexpected '/' at the beginning", None),
        ("b8 + ", 4, "something is missing at the end", None),
        ("", 0, "the expression is empty", None),
        ("b8 ? 1", 3, "this ? has no : after it", "condition ? a : b"),
        ("b8 = 3", 3, "unexpected '='", "equality is written =="),
        ("b8 ** 2", 3, "unexpected '**'", "a power is written ^"),
        ("!b8", 0, "unexpected '!'", "(x == 0)"),
        ("b8 % 2", 3, "unexpected '%'", "no remainder"),
        ("b8 & b4", 3, "unexpected '&'", "write &&"),
        ("b8; b4", 2, "unexpected ';'", "one band"),
        ("b8 + é", 5, "unexpected 'é'", None),
        ("__import__(b8)", 0, "unknown function __import__", None),
        ("b8.real", 2, "unexpected '.'", None),
        ("(" * 500, MAXIMUM_DEPTH, "nested more than", "split"),
    ],
)
def test_an_error_points_to_its_place(text: str, position: int, problem: str, hint: str | None) -> None:
    with pytest.raises(ConfigError) as caught:
        compile_expression(text, ["b4", "b8"])
    first, shown, caret = caught.value.message.split("\n")
    assert problem in first
    under = shown[caret.index("^") : caret.index("^") + 1]
    assert under == text[position : position + 1]
    if len(text) < 100:
        assert caret.index("^") - 2 == position
    assert (hint or "") in (caught.value.hint or "")


@pytest.mark.parametrize("name", ["pi", "and", "b 1", "1b", ""])
def test_names_that_cannot_be_variables_are_refused(name: str) -> None:
    with pytest.raises(I2dbError, match="cannot name a variable"):
        compile_expression("1", [name])
