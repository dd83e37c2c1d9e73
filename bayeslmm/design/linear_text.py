"""Hypotheses in text: `recipeB - recipeC = 0`, `2 * age = 1.5`, `a = b = c`; where they are asked for, `a > 2 * b`.

Names are those of the coefficients, as they are printed, brackets and colons included, or in backticks. Between commas
or semicolons stand several hypotheses; without `=` an expression is held against 0.

    hypothesis := expression ("=" expression)*        expression := term (("+" | "-") term)*
    term := factor (("*" | "/") factor)*              factor := number | name | "(" expression ")" | ("+" | "-") factor
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from bayeslmm.errors import ArgumentError, did_you_mean

_NUMBER = re.compile(r"(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_OPERATOR = re.compile(r"==|<=|>=|[-+*/()=<>,;]")
EQUALITY = ("=", "==")
RELATIONS = (*EQUALITY, "<", ">", "<=", ">=")
_WORD = re.compile(r"[^\s+\-*/=<>,;()]+")


@dataclass(frozen=True, slots=True, eq=False)
class Hypothesis:
    """weights'beta = null, as it was written: `text`, `weights` (p,), `null`, and the `relation`; "" where none was."""

    text: str
    weights: np.ndarray
    null: float
    relation: str = ""


def parse_hypotheses(
    text: str,
    names: Sequence[str],
    dropped: Sequence[str] = (),
    terms: Sequence[str] = (),
    relations: Sequence[str] = EQUALITY,
) -> list[Hypothesis]:
    """Read all hypotheses of a text.

    Parameters
    ----------
    text
        What the user wrote.
    names
        The p coefficients.
    dropped, terms
        Names that are known but no coefficients, for messages.
    relations
        What may stand between two sides.

    Raises
    ------
    ArgumentError
        With the text and a caret.
    """
    reader = _Reader(text, names, dropped, terms, relations)
    found = []
    while True:
        found += reader.hypothesis()
        if not reader.take(",", ";"):
            break
    if reader.kind != "end":
        raise reader.error("an operator is missing here")
    return found


@dataclass(frozen=True, slots=True)
class _Affine:
    """c + weights'beta."""

    constant: float
    weights: np.ndarray

    def plus(self, other: "_Affine", sign: float) -> "_Affine":
        return _Affine(self.constant + sign * other.constant, self.weights + sign * other.weights)

    def times(self, factor: float) -> "_Affine":
        return _Affine(factor * self.constant, factor * self.weights)


class _Reader:
    """Reads one text from left to right; `kind`, `value` are the token at hand."""

    def __init__(
        self, text: str, names: Sequence[str], dropped: Sequence[str], terms: Sequence[str], relations: Sequence[str]
    ):
        self.text, self.names, self.dropped, self.terms = text, list(names), dropped, terms
        self.relations = tuple(relations)
        self.by_length = sorted(self.names, key=len, reverse=True)
        self.start = self.end = 0
        self.kind, self.value = "end", ""
        self.advance()

    def advance(self) -> None:
        """Go on to the next token."""
        text, at = self.text, self.end
        while at < len(text) and text[at].isspace():
            at += 1
        self.start = at
        if at == len(text):
            self.kind, self.value, self.end = "end", "", at
            return
        name = self.name_at(at)
        if name is not None:
            self.kind, (self.value, self.end) = "name", name
            return
        for kind, pattern in (("number", _NUMBER), ("operator", _OPERATOR)):
            match = pattern.match(text, at)
            if match:
                self.kind, self.value, self.end = kind, match.group(), match.end()
                return
        raise self.unknown(at)

    def name_at(self, at: int) -> tuple[str, int] | None:
        """The longest coefficient that is written here, and where it ends."""
        if self.text[at] == "`":
            close = self.text.find("`", at + 1)
            inner = self.text[at + 1 : close]
            if close < 0 or inner not in self.names:
                raise self.unknown(at, inner if close > 0 else self.text[at + 1 :])
            return inner, close + 1
        for name in self.by_length:
            end = at + len(name)
            if self.text.startswith(name, at) and not self.continues(name, end):
                return name, end
        return None

    def continues(self, name: str, end: int) -> bool:
        """Whether the text goes on in a way that makes this another name."""
        following = self.text[end : end + 1]
        return bool(following) and (following in ":(" or (_is_word(following) and _is_word(name[-1])))

    def take(self, *operators: str) -> str:
        """The operator at hand, where it is one of these; empty otherwise."""
        if self.kind == "operator" and self.value in operators:
            found = self.value
            self.advance()
            return found
        return ""

    def hypothesis(self) -> list[Hypothesis]:
        begin = self.start
        sides, relations = [self.expression()], []
        while relation := self.take(*self.relations):
            relations.append("=" if relation in EQUALITY else relation)
            sides.append(self.expression())
        text = self.text[begin : self.start].strip().rstrip(",;").strip()
        if len(sides) == 1:
            sides.append(_Affine(0.0, np.zeros(len(self.names))))
            relations.append("")
        out = []
        for i, (left, right) in enumerate(pairwise(sides)):
            difference = left.plus(right, -1.0)
            label = text if len(sides) == 2 else f"{text} ({i + 1})"
            out.append(Hypothesis(label, difference.weights, -difference.constant, relations[i]))
        return out

    def expression(self) -> _Affine:
        value = self.term()
        while sign := self.take("+", "-"):
            value = value.plus(self.term(), 1.0 if sign == "+" else -1.0)
        return value

    def term(self) -> _Affine:
        value = self.factor()
        while operator := self.take("*", "/"):
            at, right = self.start, self.factor()
            if operator == "/" or value.weights.any():
                if right.weights.any():
                    raise self.error("a hypothesis is linear: coefficients cannot be multiplied or divided by", at)
                if operator == "/" and right.constant == 0:
                    raise self.error("this divides by zero", at)
                value = value.times(right.constant if operator == "*" else 1 / right.constant)
            else:
                value = right.times(value.constant)
        return value

    def factor(self) -> _Affine:
        none = np.zeros(len(self.names))
        if self.kind == "number":
            number = float(self.value)
            self.advance()
            return _Affine(number, none)
        if self.kind == "name":
            none[self.names.index(self.value)] = 1.0
            self.advance()
            return _Affine(0.0, none)
        if sign := self.take("+", "-"):
            return self.factor().times(1.0 if sign == "+" else -1.0)
        if self.take("("):
            inside = self.expression()
            if not self.take(")"):
                raise self.error("this parenthesis is not closed")
            return inside
        raise self.error("a coefficient or a number is missing here")

    def error(self, message: str, at: int | None = None) -> ArgumentError:
        position = self.start if at is None else at
        return ArgumentError(f"{message}\n    {self.text}\n    {' ' * position}^")

    def unknown(self, at: int, name: str | None = None) -> ArgumentError:
        word = _WORD.match(self.text, at)
        name = name or (word.group() if word else self.text[at])
        if name in self.dropped:
            return self.error(f"the column `{name}` was left out of the model, because it is collinear with others", at)
        hint = "; the label of a term stands alone" if name in self.terms else did_you_mean(name, self.names)
        return self.error(f"the model has no coefficient `{name}`{hint}", at)


def _is_word(character: str) -> bool:
    return character.isalnum() or character in "_."
