"""Terms -> columns, by R's rules (`model.matrix`).

In a term T a factor f is coded by its contrasts where T without f is contained in an earlier term (or empty), by
one indicator per level otherwise; without an intercept the first factor of the first term that has one gets all
its indicators (R's TermCode and modelmatrix in src/library/stats/src/model.c). Of the variables in a term the
first varies fastest.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bayeslmm.design.algebra import Side
from bayeslmm.design.contrasts import Coding, indicator
from bayeslmm.design.values import Factor, Numeric

INTERCEPT = "(Intercept)"


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """The columns of a side: `X` (n, p), their `names`, and `assign` (p,), the term of each: 0 is the intercept."""

    X: np.ndarray
    names: tuple[str, ...]
    assign: np.ndarray


def needs_contrasts(side: Side, factors: frozenset[str]) -> tuple[dict[str, bool], ...]:
    """Return, for each term, which of its factors are coded by contrasts (True) or by all indicators (False)."""
    sets = [frozenset(t.variables) for t in side.terms]
    rule = []
    for j, term in enumerate(side.terms):
        rule.append(
            {
                f: len(sets[j]) == 1 or any(sets[j] - {f} <= earlier for earlier in sets[:j])
                for f in term.variables
                if f in factors
            }
        )
    if not side.has_intercept:
        for coded in rule:
            if coded:
                coded[next(iter(coded))] = False
                break
    return tuple(rule)


def columns(
    side: Side,
    variables: Mapping[str, Numeric | Factor],
    codings: Mapping[str, Coding],
    n: int,
    *,
    complete: bool = False,
) -> Columns:
    """Return the columns of a side.

    Parameters
    ----------
    side
        The terms.
    variables
        Every variable of the terms, by label.
    codings
        The contrasts of every factor among them, by label.
    n
        Number of rows.
    complete
        Code every factor in every term by all its indicators.
    """
    factors = frozenset(v for t in side.terms for v in t.variables if isinstance(variables[v], Factor))
    ones = np.broadcast_to(1.0, (n, 1))
    blocks = [ones] if side.has_intercept else []
    names = [INTERCEPT] if side.has_intercept else []
    assign = [0] if side.has_intercept else []
    for j, (term, coded) in enumerate(zip(side.terms, needs_contrasts(side, factors), strict=True)):
        block, labels = ones, [""]
        for i, name in enumerate(term.variables):
            part, suffixes = _part(variables[name], codings.get(name), coded.get(name, False) and not complete)
            block = part if i == 0 else _cross(block, part)
            labels = [f"{a}:{name}{s}" if i else f"{name}{s}" for s in suffixes for a in labels]
        blocks.append(block)
        names += labels
        assign += [j + 1] * len(labels)
    X = np.ascontiguousarray(np.hstack(blocks)) if blocks else np.empty((n, 0))
    return Columns(X, tuple(names), np.array(assign, dtype=np.int64))


def shared(side: Side, variables: Mapping[str, Numeric | Factor], made: Columns) -> Columns | None:
    """Return the columns of a side of numbers as a view of columns made before; None where these do not have them.

    As for `(x | g)` after `x`: at ten million rows the copy would be felt.
    """
    if any(isinstance(variables[v], Factor) for t in side.terms for v in t.variables):
        return None
    names = (INTERCEPT,) * side.has_intercept + tuple(t.label for t in side.terms)
    if not names or names[0] not in made.names:
        return None
    start = made.names.index(names[0])
    if made.names[start : start + len(names)] != names:
        return None
    assign = np.arange(len(names)) + (0 if side.has_intercept else 1)
    return Columns(made.X[:, start : start + len(names)], names, assign)


def _cross(block: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Return all products (n, a b) of columns (n, a) and (n, b), the first varying fastest."""
    return (part[:, :, None] * block[:, None, :]).reshape(block.shape[0], part.shape[1] * block.shape[1])


def _part(variable: Numeric | Factor, coding: Coding | None, by_contrasts: bool) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the columns (n, k) of one variable and what each adds to its name."""
    if isinstance(variable, Numeric):
        values = variable.values
        if values.ndim == 1:
            return values[:, None], ("",)
        if values.shape[1] == 1:
            return values, ("",)
        return values, variable.names or tuple(str(j + 1) for j in range(values.shape[1]))
    if coding is None or not by_contrasts:
        coding = indicator(variable.levels)
    padded = np.vstack([coding.matrix, np.full(coding.matrix.shape[1], np.nan)])
    return padded[variable.codes], coding.suffixes
