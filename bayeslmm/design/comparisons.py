"""Comparisons of means: every pair, each with a reference, each with the average, trends over the levels, or custom."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from bayeslmm.design.contrasts import polynomial
from bayeslmm.design.levels import label
from bayeslmm.design.linear import LinearFunctions
from bayeslmm.errors import ArgumentError, did_you_mean

Method = Literal["pairwise", "revpairwise", "trt.vs.ctrl", "consec", "eff", "poly"]
METHODS = ("pairwise", "revpairwise", "trt.vs.ctrl", "consec", "eff", "poly")
DEGREES = ("linear", "quadratic", "cubic", "quartic")


@dataclass(frozen=True, slots=True, eq=False)
class Comparisons:
    """Contrasts of means, one family of tests for each combination of the `by` predictors.

    Attributes
    ----------
    functions
        The contrasts.
    family
        (m,): which family each belongs to.
    n_means
        How many means a family compares.
    """

    functions: LinearFunctions
    family: np.ndarray
    n_means: int


def comparisons(means: LinearFunctions, by: Sequence[str], method: Any, ref: Any = None) -> Comparisons:
    """Compare means with each other.

    Parameters
    ----------
    means
        The means, with the predictors that they are of as labels.
    by
        Labels within whose combinations the means are compared.
    method
        A name of `METHODS`; a dict of weights by name, each a list of one weight per mean, or a dict of weights by
        level; or a matrix, one contrast a row.
    ref
        Of "trt.vs.ctrl": the level to compare with; None is the first.

    Raises
    ------
    ArgumentError
        An unknown method, weights that do not fit, fewer than two means.
    """
    compared = [name for name in means.labels if name not in by]
    keys = list(zip(*(means.labels[name] for name in by), strict=True)) if by else [()] * means.m
    families = list(dict.fromkeys(keys))
    labels: dict[str, list[Any]] = {name: [] for name in ("contrast", *by)}
    W, family = [], []
    n_means = means.m // len(families)
    for position, key in enumerate(families):
        own = [i for i, k in enumerate(keys) if k == key]
        levels = [" ".join(label(means.labels[name][i]) for name in compared) for i in own]
        for name, weights in contrast_weights(levels, method, ref):
            row = np.zeros(means.m)
            row[own] = weights
            W.append(row)
            family.append(position)
            for column, value in zip(("contrast", *by), (name, *key), strict=True):
                labels[column].append(value)
    return Comparisons(means.combined(np.array(W), labels), np.array(family), n_means)


def contrast_weights(levels: Sequence[str], method: Any, ref: Any = None) -> list[tuple[str, np.ndarray]]:
    """Name and weights (k,) of each contrast of k means."""
    k = len(levels)
    if k < 2:
        raise ArgumentError(f"contrasts: there is one mean to compare, `{levels[0]}`; it takes two")
    if not isinstance(method, str):
        return _custom(levels, method)
    unit = np.eye(k)
    pairs = [(i, j) for i in range(k) for j in range(i + 1, k)]
    match method:
        case "pairwise":
            return [_difference(levels, unit, i, j) for i, j in pairs]
        case "revpairwise":
            return [_difference(levels, unit, j, i) for j in range(k) for i in range(j)]
        case "trt.vs.ctrl":
            base = _reference(levels, ref)
            return [_difference(levels, unit, i, base) for i in range(k) if i != base]
        case "consec":
            return [_difference(levels, unit, i + 1, i) for i in range(k - 1)]
        case "eff":
            return [(f"{name} effect", unit[i] - 1 / k) for i, name in enumerate(levels)]
        case "poly":
            return polynomial_weights(k)
    raise ArgumentError(
        f'contrasts: method="{method}" is not known{did_you_mean(method, METHODS)}; it is one of {", ".join(METHODS)}, '
        "or a dict of weights by name"
    )


def _difference(levels: Sequence[str], unit: np.ndarray, i: int, j: int) -> tuple[str, np.ndarray]:
    return f"{levels[i]} - {levels[j]}", unit[i] - unit[j]


def _reference(levels: Sequence[str], ref: Any) -> int:
    if ref is None:
        return 0
    if label(ref) not in levels:
        raise ArgumentError(f'contrasts: ref: no level "{label(ref)}"{did_you_mean(label(ref), levels)}')
    return list(levels).index(label(ref))


def polynomial_weights(k: int) -> list[tuple[str, np.ndarray]]:
    """Orthogonal polynomials in whole numbers, up to degree 6, as tables of them give (and emmeans).

    >>> [w.astype(int).tolist() for _, w in polynomial_weights(4)]
    [[-3, -1, 1, 3], [1, -1, -1, 1], [-1, 3, -3, 1]]
    """
    names = [*DEGREES, *(f"degree {d}" for d in range(5, k))]
    matrix = polynomial([""] * k).matrix
    return [(names[j], _whole(matrix[:, j])) for j in range(min(6, k - 1))]


def _whole(column: np.ndarray) -> np.ndarray:
    weights = column / column[column > 0.01].min()
    while (gap := np.abs(weights - np.round(weights)).max()) > 0.05:
        weights = weights / gap
    return np.round(weights)


def _custom(levels: Sequence[str], method: Any) -> list[tuple[str, np.ndarray]]:
    if isinstance(method, Mapping):
        return [(str(name), _weights(value, levels, str(name))) for name, value in method.items()]
    if isinstance(method, pd.DataFrame):
        return [(str(n), _weights(row, levels, str(n))) for n, row in zip(method.index, method.to_numpy(), strict=True)]
    try:
        matrix = np.atleast_2d(np.array(method, dtype=float))
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            f"contrasts: method is one of {', '.join(METHODS)}, a dict of weights by name or a matrix; got {method!r}"
        ) from error
    return [(f"C{i + 1}", _weights(row, levels, f"C{i + 1}")) for i, row in enumerate(matrix)]


def _weights(given: Any, levels: Sequence[str], name: str) -> np.ndarray:
    if isinstance(given, Mapping):
        row = np.zeros(len(levels))
        for level, weight in given.items():
            if label(level) not in levels:
                raise ArgumentError(f'contrasts: `{name}`: no level "{level}"{did_you_mean(label(level), levels)}')
            row[list(levels).index(label(level))] = float(weight)
        return row
    row = np.array(given, dtype=float)
    if row.shape != (len(levels),) or not np.isfinite(row).all():
        raise ArgumentError(
            f"contrasts: `{name}` needs {len(levels)} weights, for {', '.join(levels)}; got shape {row.shape}"
        )
    return row
