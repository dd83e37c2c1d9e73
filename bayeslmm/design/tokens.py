"""Formula text -> tokens, each with its position."""

import re
from dataclasses import dataclass
from typing import Literal, cast

from bayeslmm.errors import FormulaError

type Kind = Literal["name", "quoted", "number", "integer", "string", "operator", "end"]

_TOKEN = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<integer>(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)L)
    | (?P<number>0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<name>(?:[^\W\d]|\.(?!\d))[\w.]*)
    | `(?P<quoted>[^`]+)`
    | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<operator>%[^%\n]*%|\|\||&&|<=|>=|==|!=|\*\*|[-+*/^:~|&!<>(),=])
    """,
    re.VERBOSE,
)

_STRAY = {
    "$": "name the column alone; the formula looks it up in the data",
    "[": "compute the column in the data first, then name it",
    "{": "a formula holds one expression",
    "`": "the closing backtick is missing",
    '"': "the closing quote is missing",
    "'": "the closing quote is missing",
    "%": "operators between percent signs need both",
    "@": "name the column alone; the formula looks it up in the data",
}


@dataclass(frozen=True, slots=True)
class Token:
    """One word of the formula."""

    kind: Kind
    text: str
    position: int


def tokenize(formula: str) -> tuple[Token, ...]:
    """Return the tokens of the formula, ended by one of kind "end".

    Raises
    ------
    FormulaError
        At the first character that no formula can hold.
    """
    tokens: list[Token] = []
    at = 0
    while at < len(formula):
        found = _TOKEN.match(formula, at)
        if found is None:
            raise _stray(formula, at)
        kind = cast("Kind | Literal['space']", found.lastgroup)
        if kind != "space":
            text = found.group(kind)
            tokens.append(Token(kind, "^" if text == "**" else text, at))
        at = found.end()
    tokens.append(Token("end", "", len(formula.rstrip())))
    return tuple(tokens)


def _stray(formula: str, at: int) -> FormulaError:
    character = formula[at]
    hint = _STRAY.get(character)
    return FormulaError(f"`{character}` has no meaning here{'; ' + hint if hint else ''}", formula, at)
