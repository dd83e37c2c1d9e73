"""How a factor becomes columns: R's contrasts, a matrix of the user's, or one indicator per level.

A coding of L levels is a matrix C (L, k): row l is what stands in the k columns for level l.

treatment   indicators of all levels but the first
sum         indicators of all levels but the last; the last is -1 throughout
helmert     level j + 1 against the mean of the levels before it
poly        orthonormal polynomials in the level's position
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayeslmm.design.levels import label
from bayeslmm.errors import ArgumentError


@dataclass(frozen=True, slots=True, eq=False)
class Coding:
    """The coding of one factor: its `name`, the `matrix` (L, k), and what each column adds to the factor's name."""

    name: str
    matrix: np.ndarray
    suffixes: tuple[str, ...]


def treatment(levels: Sequence[str]) -> Coding:
    """Return R's contr.treatment."""
    return Coding("treatment", np.eye(len(levels))[:, 1:], tuple(levels[1:]))


def indicator(levels: Sequence[str]) -> Coding:
    """Return one column per level."""
    return Coding("indicator", np.eye(len(levels)), tuple(levels))


def sum_to_zero(levels: Sequence[str]) -> Coding:
    """Return R's contr.sum."""
    matrix = np.vstack([np.eye(len(levels) - 1), -np.ones(len(levels) - 1)])
    return Coding("sum", matrix, _counted(matrix))


def helmert(levels: Sequence[str]) -> Coding:
    """Return R's contr.helmert."""
    size = len(levels)
    matrix = np.triu(-np.ones((size, size)))[:, 1:].copy()
    for j in range(1, size):
        matrix[j, j - 1] = j
        matrix[j + 1 :, j - 1] = 0.0
    return Coding("helmert", matrix, _counted(matrix))


def polynomial(levels: Sequence[str]) -> Coding:
    """Return R's contr.poly with equal distances."""
    size = len(levels)
    position = np.arange(size) - (size - 1) / 2
    basis = np.full((size, size), 1 / np.sqrt(size))
    for j in range(1, size):
        column, before = position * basis[:, j - 1], basis[:, :j]
        for _ in range(2):  # a single pass loses orthogonality from about 20 levels on
            column = column - before @ (before.T @ column)
        basis[:, j] = column / np.linalg.norm(column)
    matrix = np.ascontiguousarray(basis[:, 1:])
    names = (".L", ".Q", ".C", *(f"^{j}" for j in range(4, size)))
    return Coding("poly", matrix, names[: size - 1])


_BY_NAME = {
    "treatment": treatment,
    "sum": sum_to_zero,
    "helmert": helmert,
    "poly": polynomial,
}


def _counted(matrix: np.ndarray) -> tuple[str, ...]:
    return tuple(str(j + 1) for j in range(matrix.shape[1]))


def default(levels: Sequence[str], ordered: bool) -> Coding:
    """Return R's default: polynomials for an ordered factor, treatment for the others."""
    return polynomial(levels) if ordered else treatment(levels)


def coding(given: Any, levels: Sequence[str], variable: str) -> Coding:
    """Return the coding that the user asked for.

    Parameters
    ----------
    given
        "treatment", "sum", "helmert", "poly", R's names for them ("contr.sum"), or a matrix of one row per level;
        the columns' names of a DataFrame become the suffixes, its index is matched with the levels.
    levels
        The factor's levels that occur.
    variable
        Its name, for messages.

    Raises
    ------
    ArgumentError
        For an unknown name or a matrix that does not fit.
    """
    if isinstance(given, str):
        name = given.removeprefix("contr.").lower()
        if name not in _BY_NAME:
            raise ArgumentError(
                f'contrasts for `{variable}`: "{given}" is not known; give one of '
                f"{', '.join(_BY_NAME)}, or a matrix with one row per level"
            )
        return _BY_NAME[name](levels)
    matrix, suffixes = _matrix(given, levels, variable)
    if matrix.ndim != 2 or matrix.shape[0] != len(levels) or not 1 <= matrix.shape[1] < len(levels):
        raise ArgumentError(
            f"contrasts for `{variable}`: the matrix has shape {matrix.shape}; {len(levels)} levels "
            f"({', '.join(levels[:6])}{', ...' if len(levels) > 6 else ''}) need {len(levels)} rows "
            f"and at most {len(levels) - 1} columns"
        )
    if not np.isfinite(matrix).all() or np.linalg.matrix_rank(np.column_stack([np.ones(len(levels)), matrix])) < (
        matrix.shape[1] + 1
    ):
        raise ArgumentError(
            f"contrasts for `{variable}`: the columns must be finite numbers, linearly independent of each other "
            "and of a constant"
        )
    return Coding("custom", matrix, suffixes)


def _matrix(given: Any, levels: Sequence[str], variable: str) -> tuple[np.ndarray, tuple[str, ...]]:
    if isinstance(given, pd.DataFrame):
        rows = [label(i) for i in given.index]
        if set(levels) <= set(rows):
            given = given.iloc[[rows.index(s) for s in levels]]
        elif not isinstance(given.index, pd.RangeIndex):
            absent = ", ".join(s for s in levels if s not in rows)
            raise ArgumentError(f"contrasts for `{variable}`: the matrix has no row for the level(s) {absent}")
        names = given.columns
        counted = isinstance(names, pd.RangeIndex)
        return given.to_numpy(dtype=float), tuple(str(j + 1) if counted else label(c) for j, c in enumerate(names))
    try:
        matrix = np.array(given, dtype=float)
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            f"contrasts for `{variable}`: give a name such as 'sum' or a matrix of numbers; got {given!r}"
        ) from error
    return matrix, _counted(matrix) if matrix.ndim == 2 else ()


def codings(
    given: Mapping[str, Any] | None, factors: Mapping[str, tuple[tuple[str, ...], bool]], aliases: Mapping[str, str]
) -> dict[str, Coding]:
    """Return the coding of every factor.

    Parameters
    ----------
    given
        The user's argument, by the factor's name.
    factors
        Levels and whether ordered, by label.
    aliases
        Other names under which a factor may be given: a column's plain name for one written in backticks.
    """
    asked: dict[str, Any] = {}
    if given is not None and not isinstance(given, Mapping):
        raise ArgumentError(f'contrasts is a dict such as {{"f": "sum"}}; got {type(given).__name__}')
    for name, value in (given or {}).items():
        target = aliases.get(name, name)
        if target not in factors:
            known = f"there is {', '.join(f'`{f}`' for f in factors)}" if factors else "there is none"
            raise ArgumentError(f"contrasts for `{name}`: the fixed part has no factor of that name; {known}")
        asked[target] = value
    return {
        name: coding(asked[name], levels, name) if name in asked else default(levels, ordered)
        for name, (levels, ordered) in factors.items()
    }
