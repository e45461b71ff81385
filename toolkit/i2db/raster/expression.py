"""Band expressions in the language of OTB's BandMath (muParser), parsed and computed without Python's eval.

Operators, from the loosest to the tightest: `? :`, `||` (or), `&&` (and), `< <= > >= == !=`, `+ -`, `* /`, unary `-`,
`^` (from right to left). So `-x^2` is `-(x^2)`. Everything is computed in double precision, element by element;
comparisons give 1 or 0, and whatever is not 0 (NaN too) counts as true, as in C.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from i2db.errors import ConfigError, ContractError

Array = NDArray[np.float64]

#: Constants by name; those that begin with an underscore are muParser's, the others OTB's.
CONSTANTS: Mapping[str, float] = {
    "e": math.e,
    "_e": math.e,
    "pi": math.pi,
    "_pi": math.pi,
    "log2e": 1 / math.log(2),
    "log10e": 1 / math.log(10),
    "ln2": math.log(2),
    "ln10": math.log(10),
    "euler": 0.5772156649015329,
}

#: Below this sum of red and near infrared, OTB's ndvi is 0.
NDVI_MINIMUM_SUM = 1e-6

#: How deep parentheses, powers and function calls may be nested.
MAXIMUM_DEPTH = 100


def _truth(condition: NDArray[np.bool_]) -> Array:
    return condition.astype(np.float64)


def _sign(x: Array) -> Array:
    return _truth(x > 0) - _truth(x < 0)


def _ndvi(red: Array, near_infrared: Array) -> Array:
    total = near_infrared + red
    return np.where(np.abs(total) < NDVI_MINIMUM_SUM, 0.0, (near_infrared - red) / total)


def _choice(condition: Array, yes: Array, no: Array) -> Array:
    return np.where(condition != 0, yes, no)


def _smallest(*arguments: Array) -> Array:
    result = arguments[0]
    for argument in arguments[1:]:  # as C++'s std::min: a NaN that comes later is passed over
        result = np.where(argument < result, argument, result)
    return result


def _largest(*arguments: Array) -> Array:
    result = arguments[0]
    for argument in arguments[1:]:
        result = np.where(result < argument, argument, result)
    return result


def _total(*arguments: Array) -> Array:
    result = arguments[0]
    for argument in arguments[1:]:
        result = result + argument
    return result


def _mean(*arguments: Array) -> Array:
    return _total(*arguments) / len(arguments)


_Operation = Callable[..., Array]

#: Functions by name: number of arguments (None: one or more), and what they compute.
_FUNCTIONS: Mapping[str, tuple[int | None, _Operation]] = {
    "sin": (1, np.sin),
    "cos": (1, np.cos),
    "tan": (1, np.tan),
    "asin": (1, np.arcsin),
    "acos": (1, np.arccos),
    "atan": (1, np.arctan),
    "sinh": (1, np.sinh),
    "cosh": (1, np.cosh),
    "tanh": (1, np.tanh),
    "asinh": (1, np.arcsinh),
    "acosh": (1, np.arccosh),
    "atanh": (1, np.arctanh),
    "log2": (1, np.log2),
    "log10": (1, np.log10),
    "log": (1, np.log),
    "ln": (1, np.log),
    "exp": (1, np.exp),
    "sqrt": (1, np.sqrt),
    "sign": (1, _sign),
    "rint": (1, lambda x: np.floor(x + 0.5)),
    "abs": (1, np.abs),
    "atan2": (2, np.arctan2),
    "ndvi": (2, _ndvi),
    "min": (None, _smallest),
    "max": (None, _largest),
    "sum": (None, _total),
    "avg": (None, _mean),
}

_POWER = 6

#: Binary operators: how tightly they bind, and what they compute.
_BINARY: Mapping[str, tuple[int, _Operation]] = {
    "||": (1, lambda a, b: _truth((a != 0) | (b != 0))),
    "&&": (2, lambda a, b: _truth((a != 0) & (b != 0))),
    "<": (3, lambda a, b: _truth(a < b)),
    "<=": (3, lambda a, b: _truth(a <= b)),
    ">": (3, lambda a, b: _truth(a > b)),
    ">=": (3, lambda a, b: _truth(a >= b)),
    "==": (3, lambda a, b: _truth(a == b)),
    "!=": (3, lambda a, b: _truth(a != b)),
    "+": (4, np.add),
    "-": (4, np.subtract),
    "*": (5, np.multiply),
    "/": (5, np.divide),
    "^": (_POWER, np.power),
}
_WORDS = {"and": "&&", "or": "||"}
#: BandMathX's operators between vectors, by component or by a number, and those that bind as they do.
VECTOR_OPERATORS: Mapping[str, str] = {"mult": "*", "mlt": "*", "div": "/", "dv": "/", "pow": "^", "pw": "^"}

#: Operations of a program by the name that it has there.
OPERATIONS: Mapping[str, _Operation] = {
    **{name: operation for name, (_, operation) in _FUNCTIONS.items()},
    **{symbol: operation for symbol, (_, operation) in _BINARY.items()},
    "negative": np.negative,
    "?:": _choice,
}

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<symbol>\|\||&&|<=|>=|==|!=|[-+*/^<>?:(),]))",
    re.ASCII,
)
_VECTOR_TOKEN = re.compile(_TOKEN.pattern.replace("(),]", "(),{};]"), re.ASCII)
#: What people write from other languages, and what it is called here.
_FOREIGN = {
    "**": "a power is written ^",
    "=": "equality is written ==",
    "!": "write (x == 0) for not x",
    "%": "there is no remainder; write a - b * rint(a / b - 0.5)",
    "&": "write && or and",
    "|": "write || or or",
    ";": "one expression gives one band; arguments are separated by commas",
    "if": "write condition ? a : b",
}


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression: its text, the variables that it uses (in the order they were declared), and its program.

    The program is in reverse Polish notation: a number or the name of a variable puts an array on the stack, an
    operation takes its arguments from there.
    """

    text: str
    variables: tuple[str, ...]
    _program: tuple[tuple[str, float | str, int], ...]

    def evaluate(self, values: Mapping[str, ArrayLike]) -> Array:
        """Compute it for arrays by variable, which need shapes that broadcast; the result is float64.

        Invalid operations give infinities and NaN, as in C, without a warning. Without variables, the result has the
        common shape of all `values`.

        Raises:
            ContractError: the value of a variable is missing.
        """
        missing = [name for name in self.variables if name not in values]
        if missing:
            raise ContractError(f"no values for {', '.join(missing)} in expression {self.text!r}")
        arrays = {name: np.asarray(values[name], dtype=np.float64) for name in self.variables}
        shaping = arrays.values() if arrays else [np.asarray(value) for value in values.values()]
        shape = np.broadcast_shapes(*(array.shape for array in shaping))
        stack: list[Array] = []
        with np.errstate(all="ignore"):
            for kind, content, n_arguments in self._program:
                if kind == "number":
                    stack.append(np.asarray(content, dtype=np.float64))
                elif kind == "variable":
                    stack.append(arrays[str(content)])
                else:
                    arguments = stack[-n_arguments:]
                    del stack[-n_arguments:]
                    stack.append(np.asarray(OPERATIONS[str(content)](*arguments)))
        return np.array(np.broadcast_to(stack[0], shape))

    def __str__(self) -> str:
        return self.text


def scalar_functions() -> dict[str, int | None]:
    """The functions of BandMath by name, with their numbers of arguments (None: one or more)."""
    return {name: n for name, (n, _) in _FUNCTIONS.items()}


def compile_expression(text: str, variables: Sequence[str]) -> Expression:
    """Parse a BandMath expression over the variables of the given names.

    Raises:
        ConfigError: it is not one; the message shows where, and the hint what may have been meant.
    """
    for name in variables:
        if name in CONSTANTS or name in _WORDS or not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
            raise ConfigError(f"{name!r} cannot name a variable of an expression")
    parser = Parser(text, variables)
    parser.parse()
    used = tuple(name for name in dict.fromkeys(variables) if name in parser.used)
    return Expression(text=text, variables=used, _program=tuple(parser.program))


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # number, name, symbol or end
    text: str
    start: int


class Parser:
    """Precedence climbing that writes the program as it goes.

    With other `functions` (name: number of arguments, None for one or more) it reads BandMathX: there braces hold the
    numbers of a vector, and semicolons part expressions whose results stand one after the other.
    """

    def __init__(self, text: str, variables: Sequence[str], functions: Mapping[str, int | None] | None = None) -> None:
        self.text = text
        self.variables = variables
        self.functions = scalar_functions() if functions is None else functions
        self._has_vectors = functions is not None
        self.used: set[str] = set()
        self.program: list[tuple[str, float | str, int]] = []
        self._depth = 0
        self._tokens = self._tokenise()
        self._next = 0

    def parse(self) -> None:
        """The whole text is one expression."""
        if self._peek().kind == "end":
            self._fail(self._peek(), "the expression is empty")
        self._conditional()
        n_parts = 1
        while self._has_vectors and self._peek().text == ";":
            self._take()
            if self._peek().kind == "end":
                break
            self._conditional()
            n_parts += 1
        if n_parts > 1:
            self.program.append(("call", "cat", n_parts))
        rest = self._peek()
        if rest.kind == "end":
            return
        if rest.text == ")":
            self._fail(rest, "this parenthesis was never opened")
        if rest.text == "=":
            self._fail(rest, "unexpected '='", _FOREIGN["="])
        self._fail(rest, f"an operator is missing before {rest.text!r}" if rest.kind != "symbol" else self._odd(rest))

    def _conditional(self) -> None:
        """`a ? b : c`; a chain of them in the last branch is a loop here, so that long recodings need no depth."""
        n_pending = 0
        while True:
            self._binary(0)
            if self._peek().text != "?":
                break
            question = self._take()
            self._conditional_branch(question)
            n_pending += 1
        self.program.extend([("call", "?:", 3)] * n_pending)

    def _conditional_branch(self, question: _Token) -> None:
        self._enter(question)
        self._conditional()
        self._depth -= 1
        if self._peek().text != ":":
            self._fail(question, "this ? has no : after it", "write condition ? a : b")
        self._take()

    def _binary(self, minimum: int) -> None:
        """Operands joined by operators that bind at least as tightly as `minimum`."""
        self._enter(self._peek())
        self._unary()
        while (operator := self._operator()) is not None and _BINARY[operator][0] >= minimum:
            word = self._take().text
            binding = _BINARY[operator][0]
            self._binary(binding if operator == "^" else binding + 1)
            self.program.append(("call", word if word in VECTOR_OPERATORS else operator, 2))
        self._depth -= 1

    def _unary(self) -> None:
        """Signs before an operand; they bind less than a power and more than everything else."""
        n_minus = 0
        has_sign = False
        while self._peek().text in ("-", "+"):
            n_minus += self._take().text == "-"
            has_sign = True
        if has_sign:
            self._binary(_POWER)
            self.program.extend([("call", "negative", 1)] * n_minus)
        else:
            self._operand()

    def _operand(self) -> None:
        token = self._take()
        if token.kind == "number":
            self.program.append(("number", float(token.text), 0))
        elif token.kind == "name" and token.text not in _WORDS:
            self._name(token)
        elif token.text == "(":
            self._conditional()
            self._close(token)
        elif token.text == "{" and self._has_vectors:
            self._vector(token)
        elif token.kind == "end":
            self._fail(token, "something is missing at the end")
        else:
            self._fail(token, self._odd(token))

    def _vector(self, opened: _Token) -> None:
        """The numbers in braces as one vector; rows of a matrix in braces of their own follow each other."""
        self._enter(opened)
        n = 0
        while True:
            self._conditional()
            n += 1
            token = self._take()
            if token.text == "}":
                break
            if token.kind == "end":
                self._fail(opened, "this brace is never closed")
            if token.text != ",":
                self._fail(token, self._odd(token))
        self._depth -= 1
        self.program.append(("call", "cat", n))

    def _name(self, token: _Token) -> None:
        name = token.text
        if self._peek().text == "(":
            self._call(token)
        elif name in self.variables:
            self.used.add(name)
            self.program.append(("variable", name, 0))
        elif name in CONSTANTS:
            self.program.append(("number", CONSTANTS[name], 0))
        elif name in self.functions:
            self._fail(token, f"function {name} needs its arguments in parentheses")
        else:
            hint = _nearest(name, [*self.variables, *CONSTANTS])
            known = ", ".join(self.variables[:12]) + (", ..." if len(self.variables) > 12 else "")
            self._fail(token, f"unknown variable {name}", f"{hint}variables here: {known or 'none'}")

    def _call(self, token: _Token) -> None:
        name = token.text
        if name not in self.functions:
            hint = _FOREIGN.get(name) or f"{_nearest(name, self.functions)}functions: {', '.join(self.functions)}"
            self._fail(token, f"unknown function {name}", hint)
        parenthesis = self._take()
        n_arguments = 0
        if self._peek().text != ")":
            self._conditional()
            n_arguments = 1
            while self._peek().text == ",":
                self._take()
                self._conditional()
                n_arguments += 1
        self._close(parenthesis)
        expected = self.functions[name]
        if n_arguments != expected and not (expected is None and n_arguments):
            wanted = {None: "one argument or more", 1: "one argument", 2: "two arguments"}[expected]
            self._fail(token, f"function {name} takes {wanted}, not {n_arguments}")
        self.program.append(("call", name, n_arguments))

    def _close(self, opened: _Token) -> None:
        token = self._peek()
        if token.text == ")":
            self._take()
        elif token.kind == "end":
            self._fail(opened, "this parenthesis is never closed")
        elif token.kind == "symbol":
            self._fail(token, self._odd(token))
        else:
            self._fail(token, f"an operator is missing before {token.text!r}")

    def _operator(self) -> str | None:
        text = _WORDS.get(self._peek().text, self._peek().text)
        if self._has_vectors:
            text = VECTOR_OPERATORS.get(text, text)
        return text if text in _BINARY else None

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._tokens[self._next]
        if token.kind != "end":
            self._next += 1
        return token

    def _enter(self, token: _Token) -> None:
        self._depth += 1
        if self._depth > MAXIMUM_DEPTH:
            self._fail(token, f"the expression is nested more than {MAXIMUM_DEPTH} deep", "split it in several")

    def _odd(self, token: _Token) -> str:
        before = self._tokens[self._tokens.index(token) - 1].text if self._tokens.index(token) else ""
        return f"unexpected {token.text!r}" + (f" after {before!r}" if before else " at the beginning")

    def _tokenise(self) -> list[_Token]:
        tokens: list[_Token] = []
        position = 0
        end = len(self.text.rstrip())
        while position < end:
            match = (_VECTOR_TOKEN if self._has_vectors else _TOKEN).match(self.text, position)
            if match is None:
                self._refuse_character(position)
            kind = match.lastgroup or "symbol"
            token = _Token(kind, match[kind], match.start(kind))
            if token.text == "*" and tokens and tokens[-1].text == "*" and tokens[-1].start == token.start - 1:
                self._fail(tokens[-1], "unexpected '**'", _FOREIGN["**"])
            tokens.append(token)
            position = match.end()
        return [*tokens, _Token("end", "", end)]

    def _refuse_character(self, position: int) -> NoReturn:
        start = position + len(self.text[position:]) - len(self.text[position:].lstrip())
        character = self.text[start]
        self._fail(_Token("symbol", character, start), f"unexpected {character!r}", _FOREIGN.get(character))

    def _fail(self, token: _Token, problem: str, hint: str | None = None) -> NoReturn:
        """Raise the error with the text (a piece of it, where it is long) and a caret under the token."""
        first = max(0, token.start - 70)
        last = min(len(self.text), first + 110)
        shown = re.sub(r"\s", " ", self.text[first:last])
        before, after = "..." if first else "", "..." if last < len(self.text) else ""
        caret = " " * (len(before) + token.start - first) + "^"
        raise ConfigError(f"cannot read the expression: {problem}\n  {before}{shown}{after}\n  {caret}", hint=hint)


def _nearest(name: str, known: Sequence[str] | Mapping[str, object]) -> str:
    by_lower_case = {candidate.lower(): candidate for candidate in known}
    found = difflib.get_close_matches(name.lower(), by_lower_case, n=1, cutoff=0.5)
    return f"did you mean {by_lower_case[found[0]]}? " if found else ""
