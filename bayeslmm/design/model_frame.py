"""Formula + data -> the model frame.

As R's `model.frame`: expressions are evaluated on all rows, then every row with a missing value in any variable
of the formula (or in weights or offset) is left out, then unused levels of factors are dropped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayeslmm.design.algebra import Variable
from bayeslmm.design.columns import Columns, Table
from bayeslmm.design.evaluate import SHORTHAND, Context
from bayeslmm.design.formula import Formula
from bayeslmm.design.frame import Frame
from bayeslmm.design.frame_checks import check_finite, check_response, check_rows, check_weighted, check_weights
from bayeslmm.design.frame_variables import as_variable, evaluated, numbers_argument, offset_of, response_of
from bayeslmm.design.nodes import deparse
from bayeslmm.design.values import Factor, Numeric, as_factor
from bayeslmm.errors import ArgumentError, DataError, FormulaError, did_you_mean


@dataclass(frozen=True, slots=True, eq=False)
class AllRows:
    """What the formula, weights and offset are on all rows of the data, missing values among them.

    Attributes
    ----------
    response
        With its label.
    effects, groups
        The variables of the fixed part and of the bars' inside; those of the grouping factors; by label.
    offsets
        (n,) of each call of offset(), with its label.
    weights, offset
        The arguments, (n,) each, or None.
    """

    response: tuple[str, Numeric]
    effects: Mapping[str, Numeric | Factor]
    groups: Mapping[str, Factor]
    offsets: Sequence[tuple[str, np.ndarray]]
    weights: np.ndarray | None
    offset: np.ndarray | None

    @classmethod
    def of(cls, formula: Formula, context: Context, weights: np.ndarray | None, offset: np.ndarray | None) -> "AllRows":
        """Evaluate everything."""
        return cls(
            (formula.response.label, response_of(formula, context)),
            {v.label: as_variable(evaluated(v, context), v, formula) for v in _effects(formula)},
            {v.label: as_factor(evaluated(v, context)) for b in formula.random for v in b.group.variables},
            [(deparse(call), offset_of(call, context)) for call in formula.offsets],
            weights,
            offset,
        )

    def missing(self) -> dict[str, np.ndarray]:
        """Where each is missing, (n,) by label; arguments end in `=`."""
        arguments = {"weights=": self.weights, "offset=": self.offset}
        return {
            self.response[0]: self.response[1].missing,
            **{k: v.missing for k, v in (*self.effects.items(), *self.groups.items())},
            **{k: np.isnan(v) for k, v in self.offsets},
            **{k: np.isnan(v) for k, v in arguments.items() if v is not None},
        }

    def frame(self, rows: np.ndarray, columns: Columns, context: Context) -> Frame:
        """These rows alone; one number for all where there are neither weights nor offsets."""
        offsets = [o for o in (*(o for _, o in self.offsets), self.offset) if o is not None]
        return Frame(
            _taken(self.response[1], rows).values,
            {k: _kept(v, rows) for k, v in self.effects.items()},
            {k: _taken(v, rows).drop_unused() for k, v in self.groups.items()},
            np.broadcast_to(1.0, rows.size) if self.weights is None else self.weights[rows],
            np.sum(offsets, axis=0)[rows] if offsets else np.broadcast_to(0.0, rows.size),
            rows,
            columns.n,
            columns,
            context.memory,
        )


def model_frame(
    formula: Formula, data: Table, weights: Any = None, offset: Any = None, functions: Mapping[str, Any] | None = None
) -> Frame:
    """Evaluate the formula on the data.

    Raises
    ------
    FormulaError, DataError
        For all that is wrong with the data: `frame_variables` and `frame_checks` say what.
    """
    functions = _checked_functions(functions)
    columns = _read(formula, data, weights, offset)
    context = Context(columns.values, columns.n, formula.text, functions, {})
    given = {"weights": weights, "offset": offset}
    every = AllRows.of(formula, context, *(numbers_argument(v, k, columns, data.index) for k, v in given.items()))
    missing = every.missing()
    check_weighted(missing)
    rows = _complete(missing, columns.n)
    check_rows(rows, missing, columns.n)
    frame = every.frame(rows, columns, context)
    check_finite(frame, formula)
    check_response(frame.y, formula)
    check_weights(frame)
    return frame


def find_columns(formula: Formula, known: tuple[str, ...], response: bool = True) -> list[str]:
    """Return the columns that the formula uses.

    Raises
    ------
    FormulaError
        With a caret, for a name that is no column.
    """
    found = []
    for name, node in formula.names(response).items():
        if name in known:
            found.append(name)
        elif name not in SHORTHAND:
            raise FormulaError(
                f"no column `{name}` in the data{did_you_mean(name, known)}", formula.text, node.position
            )
    return found


def _read(formula: Formula, data: Table, weights: Any, offset: Any) -> Columns:
    needed = find_columns(formula, data.names) + [_column(v, data, w) for v, w in _named(weights, offset)]
    columns = data.read(list(dict.fromkeys(needed)))
    if columns.n == 0:
        raise DataError("the data have no rows")
    return columns


def _checked_functions(functions: Mapping[str, Any] | None) -> dict[str, Any]:
    for name, function in (functions or {}).items():
        if not callable(function):
            raise ArgumentError(f"functions: `{name}` is of type {type(function).__name__}; give a function of arrays")
    return dict(functions or {})


def _named(weights: Any, offset: Any) -> list[tuple[str, str]]:
    return [(v, w) for v, w in ((weights, "weights"), (offset, "offset")) if isinstance(v, str)]


def _column(name: str, data: Table, argument: str) -> str:
    if name not in data.names:
        raise DataError(f"{argument}: no column `{name}` in the data{did_you_mean(name, data.names)}")
    return name


def _effects(formula: Formula) -> list[Variable]:
    found = list(formula.fixed.variables)
    for bar in formula.random:
        found += bar.effects.variables
    return list({v.label: v for v in found}.values())


def _complete(missing: Mapping[str, np.ndarray], n: int) -> np.ndarray:
    """Return the positions of the rows in which nothing is missing."""
    bad = [m for m in missing.values() if m.any()]
    return np.flatnonzero(~np.any(bad, axis=0)) if bad else np.arange(n)


def _taken[V: (Numeric, Factor)](value: V, rows: np.ndarray) -> V:
    """Return the rows used; all of them, as nearly always, without a copy."""
    n = len(value.codes) if isinstance(value, Factor) else len(value.values)
    return value if rows.size == n else value.take(rows)


def _kept(value: Numeric | Factor, rows: np.ndarray) -> Numeric | Factor:
    if isinstance(value, Numeric):
        return Numeric(_taken(value, rows).values, value.names)
    taken = _taken(value, rows)
    return taken if taken.levels == ("FALSE", "TRUE") else taken.drop_unused()
