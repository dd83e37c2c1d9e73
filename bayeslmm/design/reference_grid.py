"""The reference grid: combinations of predictor values at which means are formed (Searle, Speed & Milliken 1980).

As R's emmeans: every factor at all its levels, numeric predictors at their mean, or at both values where they have only
two, or at the values that the user names. A mean of some factors averages the grid over the others:

    equal          every combination of the others counts the same (the default)
    proportional   as often as it occurs in the data
    cells          as often as it occurs in the data together with the combination whose mean it is

Numeric predictors inside of functions are set themselves: with log(x) in the formula, x is at mean(x).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal, cast, get_args

import numpy as np

from bayeslmm.design.design import Design
from bayeslmm.design.grid_predictors import Predictor, grid_predictors
from bayeslmm.design.linear import LinearFunctions
from bayeslmm.design.matrices import columns as make_columns
from bayeslmm.errors import ArgumentError, did_you_mean

Weights = Literal["equal", "proportional", "cells"]
MOST = 200_000


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceGrid:
    """All combinations of the predictors' values, and the linear functions that give their means.

    Attributes
    ----------
    predictors
        By name.
    at
        (g, number of predictors): position of each row's value among its predictor's.
    functions
        One mean a row of the grid.
    """

    predictors: Mapping[str, Predictor]
    at: np.ndarray
    functions: LinearFunctions

    def means(self, names: Sequence[str], weights: Weights = "equal") -> LinearFunctions:
        """Means at every combination of the named predictors, the first of which varies fastest."""
        known = list(self.predictors)
        for name in names:
            if name not in known:
                raise ArgumentError(f"no predictor `{name}` in the fixed part{did_you_mean(name, known)}")
        if len(set(names)) < len(names):
            raise ArgumentError(f"a predictor is named twice: {', '.join(names)}")
        own = [known.index(name) for name in names]
        sizes = [len(self.predictors[name].values) for name in names]
        combinations = [c[::-1] for c in product(*(range(s) for s in reversed(sizes)))]
        W = np.array([self._weights(own, c, weights) for c in combinations])
        labels = {name: [self.predictors[name].values[c[i]] for c in combinations] for i, name in enumerate(names)}
        return self.functions.combined(W, labels or {"mean": ["overall"]})

    def _weights(self, own: list[int], combination: Sequence[int], weights: Weights) -> np.ndarray:
        """Weights (g,) of the grid's rows in the mean of one combination."""
        chosen = (self.at[:, own] == np.array(combination, dtype=int)).all(axis=1)
        if weights == "equal":
            return chosen / chosen.sum()
        counts = self._counts(own if weights == "proportional" else [], chosen)
        total = counts.sum()
        return counts / total if total else np.where(chosen, np.nan, 0.0)

    def _counts(self, ignored: list[int], chosen: np.ndarray) -> np.ndarray:
        """How many rows of the data match each chosen row of the grid in all predictors but the ignored."""
        counted = [(j, p) for j, p in enumerate(self.predictors.values()) if j not in ignored and p.codes is not None]
        if not counted:
            return chosen.astype(float)
        codes, cells, n_cells = np.zeros(1, dtype=int), np.zeros(self.at.shape[0], dtype=int), 1
        there = np.array(True)
        for j, predictor in counted:
            assert predictor.codes is not None
            codes, cells = codes + n_cells * predictor.codes, cells + n_cells * self.at[:, j]
            n_cells *= len(predictor.values)
            there = there & (predictor.codes >= 0)
        return np.where(chosen, np.bincount(codes[there], minlength=n_cells)[cells], 0.0)


def check_weights(weights: str) -> Weights:
    """Return a way to average that there is."""
    known = get_args(Weights)
    if weights not in known:
        raise ArgumentError(f'weights="{weights}" is not known; it is one of {", ".join(known)}')
    return cast(Weights, weights)


def reference_grid(design: Design, at: Mapping[str, Any] | None = None) -> ReferenceGrid:
    """Make the grid.

    Parameters
    ----------
    design
        The model.
    at
        Values of some predictors: `{"temp": [175, 225]}`; of a factor, some of its levels.

    Raises
    ------
    ArgumentError
        An unknown predictor or level.
    """
    predictors = grid_predictors(design, at)
    positions = positions_of(predictors)
    L, constant = grid_functions(design, rows_of(predictors, positions), positions.shape[0])
    return ReferenceGrid(predictors, positions, LinearFunctions.of(L, {}, constant=constant))


def positions_of(predictors: Mapping[str, Predictor]) -> np.ndarray:
    """All combinations of positions (g, number of predictors), the first varying fastest."""
    sizes = [len(p.values) for p in predictors.values()]
    if math.prod(sizes) > MOST:
        raise ArgumentError(
            f"the reference grid has {math.prod(sizes):,} combinations of the predictors; hold some with "
            f"at={{...}}: {', '.join(f'`{n}` has {len(p.values)}' for n, p in predictors.items() if len(p.values) > 1)}"
        )
    found = [c[::-1] for c in product(*(range(s) for s in reversed(sizes)))]
    return np.array(found, dtype=int).reshape(len(found), len(sizes))


def grid_functions(design: Design, rows: Mapping[str, Any], m: int) -> tuple[np.ndarray, np.ndarray]:
    """Columns (m, p) and offset (m,) at new values of the predictors; NaN rows where the data cannot estimate them."""
    recipe = design.recipe
    given_as_array = recipe.offset_argument is True and not design.formula.offsets
    offset = np.full(m, design.offset.mean()) if given_as_array else None
    new = recipe.rows(rows if rows else {"": np.zeros(m)}, groups=(), offset=offset)
    L = np.array(new.X)
    if design.dropped:
        complete = recipe.complete(rows)
        data = make_columns(design.formula.fixed, design.variables, recipe.codings, design.n).X
        others = np.setdiff1d(np.arange(data.shape[1]), recipe.kept)
        tied = np.linalg.lstsq(design.X, data[:, others], rcond=None)[0]
        gap = np.abs(complete[:, others] - L @ tied).max(axis=1)
        L[gap > 1e-8 * np.abs(complete).max(axis=1)] = np.nan
    return L, new.offset


def rows_of(predictors: Mapping[str, Predictor], positions: np.ndarray) -> dict[str, Any]:
    """The grid as columns."""
    out: dict[str, Any] = {}
    for j, (name, predictor) in enumerate(predictors.items()):
        values = np.empty(len(predictor.values), dtype=object)
        values[:] = predictor.values
        column = values[positions[:, j]]
        out[name] = column if isinstance(predictor.values[0], str) else np.array(column.tolist())
    return out
