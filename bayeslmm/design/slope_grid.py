"""The reference grid of slopes: derivatives of the mean by a numeric predictor, and what they depend on."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayeslmm.design.design import Design
from bayeslmm.design.grid_predictors import grid_predictors, is_made_factor
from bayeslmm.design.linear import LinearFunctions
from bayeslmm.design.reference_grid import ReferenceGrid, grid_functions, positions_of, rows_of
from bayeslmm.design.values import Numeric
from bayeslmm.errors import ArgumentError, did_you_mean

STEP = 1e-4  # of a predictor's value, or of its range
STENCIL = ((-2, 1 / 12), (-1, -8 / 12), (1, 8 / 12), (2, -1 / 12))  # first derivative, to fourth order


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
    predictors = grid_predictors(design, at)
    columns = {n: v for n, v in design.columns.items() if isinstance(v, Numeric) and not is_made_factor(n, design)}
    numeric = list(columns)
    if variable not in numeric:
        kind = "is a factor" if variable in predictors else "is not in the fixed part"
        near = did_you_mean(variable, numeric) if numeric else "; the fixed part has no numeric predictor"
        raise ArgumentError(f"slopes: `{variable}` {kind}{near}")
    positions = positions_of(predictors)
    rows = rows_of(predictors, positions)
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
