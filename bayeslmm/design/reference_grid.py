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
from bayeslmm.design.levels import label as level_label
from bayeslmm.design.linear import LinearFunctions
from bayeslmm.design.matrices import columns as make_columns
from bayeslmm.design.nodes import Call, Node, names_in
from bayeslmm.design.values import Logical, Numeric, Value, as_factor
from bayeslmm.errors import ArgumentError, did_you_mean

Weights = Literal["equal", "proportional", "cells"]
FACTORS = ("factor", "as.factor", "ordered", "as.ordered", "relevel", "interaction", "as.character")
FEW, MOST = 2, 200_000
STEP = 1e-4  # of a predictor's value, or of its range
STENCIL = ((-2, 1 / 12), (-1, -8 / 12), (1, 8 / 12), (2, -1 / 12))  # first derivative, to fourth order


@dataclass(frozen=True, slots=True, eq=False)
class Predictor:
    """One column of the data and where the grid has it.

    Attributes
    ----------
    values
        The g values: labels of a factor, True and False, or numbers.
    codes
        (n,): which of the values each row has, -1 for none of them; None where they are values that no row need have.
    """

    values: tuple[Any, ...]
    codes: np.ndarray | None


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
    predictors = _predictors(design, at)
    positions = _positions(predictors)
    L, constant = grid_functions(design, _rows(predictors, positions), positions.shape[0])
    return ReferenceGrid(predictors, positions, LinearFunctions.of(L, {}, constant=constant))


def slope_grid(design: Design, variable: str, at: Mapping[str, Any] | None = None) -> ReferenceGrid:
    """The grid of derivatives of the mean by a numeric predictor, by central differences of its columns.

    Parameters
    ----------
    design, at
        As for `reference_grid`.
    variable
        A numeric column of the data.

    Raises
    ------
    ArgumentError
        There is no such numeric predictor.
    """
    predictors = _predictors(design, at)
    columns = {n: v for n, v in design.columns.items() if isinstance(v, Numeric) and not is_made_factor(n, design)}
    numeric = list(columns)
    if variable not in numeric:
        kind = "is a factor" if variable in predictors else "is not in the fixed part"
        near = did_you_mean(variable, numeric) if numeric else "; the fixed part has no numeric predictor"
        raise ArgumentError(f"slopes: `{variable}` {kind}{near}")
    positions = _positions(predictors)
    rows = _rows(predictors, positions)
    x, spread = np.asarray(rows[variable], dtype=float), float(np.ptp(columns[variable].values[design.rows]))
    h = STEP * np.minimum(spread, np.maximum(np.abs(x), spread / 100))
    L, rounding, constant = np.zeros((x.size, design.p)), np.zeros((x.size, design.p)), np.zeros(x.size)
    for step, weight in STENCIL:
        X, offset = grid_functions(design, {**rows, variable: x + step * h}, x.size)
        L, constant = L + weight * X / h[:, None], constant + weight * offset / h
        rounding = np.maximum(rounding, 1e-13 * np.abs(X) / h[:, None])
    L[np.abs(L) < rounding] = 0.0
    return ReferenceGrid(predictors, positions, LinearFunctions.of(L, {}, constant=constant))


def slope_depends_on(design: Design, variable: str, at: Mapping[str, Any] | None, grid: ReferenceGrid) -> set[str]:
    """Predictors on whose values a slope depends: those that it interacts with, and itself where the line is curved.

    Parameters
    ----------
    design, variable, at
        As for `slope_grid`.
    grid
        What that gave.
    """
    return {name for name in grid.predictors if _changes(design, variable, at, grid, name)}


def _changes(design: Design, variable: str, at: Mapping[str, Any] | None, grid: ReferenceGrid, name: str) -> bool:
    """Whether a predictor changes the slope: between its values in the grid, or half-way to an end of the data."""
    predictor, j = grid.predictors[name], list(grid.predictors).index(name)
    found = grid.functions
    if len(predictor.values) > 1:
        first = found.L[grid.at[:, j] == 0]
        parts = [found.L[grid.at[:, j] == i] for i in range(1, len(predictor.values))]
        return any(not _alike(first, part) for part in parts)
    value = design.columns[name]
    if not isinstance(value, Numeric) or predictor.codes is not None:
        return False
    x, here = value.values[design.rows], float(predictor.values[0])
    there = 0.5 * (here + float(x.max() if here < x.max() else x.min()))
    moved = slope_grid(design, variable, {**(at or {}), name: [there]}).functions
    return not (_alike(found.L, moved.L) and _alike(found.constant, moved.constant))


def _alike(one: np.ndarray, other: np.ndarray) -> bool:
    """Equal but for the rounding of differences; what cannot be estimated is like itself."""
    return np.allclose(
        one, other, rtol=1e-6, atol=1e-6 * float(np.nan_to_num(np.abs(one)).max(initial=0.0)), equal_nan=True
    )


def _predictors(design: Design, at: Mapping[str, Any] | None) -> dict[str, Predictor]:
    at = dict(at or {})
    if not design.p:
        raise ArgumentError("the model has no fixed effects, so that there are no means")
    for name in at:
        if name not in design.columns:
            raise ArgumentError(f"at: no predictor `{name}` in the fixed part{did_you_mean(name, design.columns)}")
    return {name: _predictor(name, value, at.get(name), design) for name, value in design.columns.items()}


def _positions(predictors: Mapping[str, Predictor]) -> np.ndarray:
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


def _rows(predictors: Mapping[str, Predictor], positions: np.ndarray) -> dict[str, Any]:
    """The grid as columns."""
    out: dict[str, Any] = {}
    for j, (name, predictor) in enumerate(predictors.items()):
        values = np.empty(len(predictor.values), dtype=object)
        values[:] = predictor.values
        column = values[positions[:, j]]
        out[name] = column if isinstance(predictor.values[0], str) else np.array(column.tolist())
    return out


def _predictor(name: str, value: Value, at: Any, design: Design) -> Predictor:
    value = value.take(design.rows)
    if not isinstance(value, Numeric) or is_made_factor(name, design):
        return _discrete(name, value, at)
    seen = value.values
    if at is not None:
        return _numbers_at(name, at)
    distinct = np.unique(seen)
    if distinct.size <= FEW:
        return Predictor(tuple(distinct.tolist()), np.searchsorted(distinct, seen))
    return Predictor((float(seen.mean()),), None)


def is_made_factor(name: str, design: Design) -> bool:
    """Whether a column of numbers is made a factor in the formula: factor(x), and what is made of it."""
    return any(name in _as_factors(v.node) for v in design.formula.fixed.variables)


def _as_factors(node: Node) -> set[str]:
    """The columns that an expression makes factors of."""
    if not isinstance(node, Call):
        return set()
    if node.function in FACTORS:
        return {n.name for n in names_in(node)}
    return {name for a in node.arguments for name in _as_factors(a.value)}


def _discrete(name: str, value: Value, at: Any) -> Predictor:
    factor = as_factor(value).drop_unused()
    labels = list(factor.levels)
    codes, chosen = factor.codes, list(range(len(labels)))
    if at is not None:
        asked = [level_label(v) if not isinstance(v, str) else v for v in _listed(at)]
        for text in asked:
            if text not in labels:
                raise ArgumentError(f'at: `{name}` has no level "{text}"{did_you_mean(text, labels)}')
        chosen = [labels.index(text) for text in asked]
        position = np.full(len(labels) + 1, -1)
        position[chosen] = np.arange(len(chosen))
        codes = position[codes]
    if isinstance(value, Logical):
        return Predictor(tuple(labels[i] == "TRUE" for i in chosen), codes)
    if isinstance(value, Numeric):
        return Predictor(tuple(np.unique(value.values)[chosen].tolist()), codes)
    return Predictor(tuple(labels[i] for i in chosen), codes)


def _numbers_at(name: str, at: Any) -> Predictor:
    try:
        values = np.array(_listed(at), dtype=float)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"at: `{name}` is numeric; give numbers, not {at!r}") from error
    if values.ndim != 1 or not values.size or not np.isfinite(values).all():
        raise ArgumentError(f"at: `{name}` needs one or more finite numbers; got {at!r}")
    return Predictor(tuple(values.tolist()), None)


def _listed(at: Any) -> list[Any]:
    return list(at) if isinstance(at, Sequence | np.ndarray) and not isinstance(at, str) else [at]
