"""Formula + data -> the model frame: every variable evaluated, on the complete cases.

As R's `model.frame`: expressions are evaluated on all rows, then every row with a missing value in any variable
of the formula (or in weights or offset) is left out, then unused levels of factors are dropped. What is wrong
with the data is said here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayeslmm.design.algebra import Variable
from bayeslmm.design.columns import Columns, Table
from bayeslmm.design.evaluate import SHORTHAND, Context, evaluate
from bayeslmm.design.formula import Formula
from bayeslmm.design.functions import numbers
from bayeslmm.design.nodes import Call, Name, Node, calls, deparse, names_in, strip
from bayeslmm.design.transforms import Transform
from bayeslmm.design.values import Factor, Logical, Numeric, Value, as_factor
from bayeslmm.errors import ArgumentError, DataError, FormulaError, NotAvailableError, did_you_mean


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """The model frame, complete cases only.

    Attributes
    ----------
    y
        (n,): the response.
    variables
        The variables of the fixed part and of the bars' inside, by label; logicals as factors.
    groups
        The variables of the grouping factors, by label.
    weights, offset
        (n,); one number for all, without memory of its own, where none were given.
    rows
        (n,): positions in the caller's data.
    n_total
        Rows of the caller's data.
    columns
        The columns as read (all rows).
    memory
        What transforms learned.
    """

    y: np.ndarray
    variables: Mapping[str, Numeric | Factor]
    groups: Mapping[str, Factor]
    weights: np.ndarray
    offset: np.ndarray
    rows: np.ndarray
    n_total: int
    columns: Columns
    memory: dict[str, Transform]


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


def model_frame(
    formula: Formula, data: Table, weights: Any = None, offset: Any = None, functions: Mapping[str, Any] | None = None
) -> Frame:
    """Evaluate the formula on the data.

    Raises
    ------
    FormulaError, DataError
        For all that is wrong with the data; see the checks in this file.
    """
    functions = _checked_functions(functions)
    needed = find_columns(formula, data.names) + [_column(v, data, w) for v, w in _named(weights, offset)]
    columns = data.read(list(dict.fromkeys(needed)))
    if columns.n == 0:
        raise DataError("the data have no rows")
    context = Context(columns.values, columns.n, formula.text, functions, {})
    response = _response(formula, context)
    effects = {v.label: as_variable(_evaluated(v, context), v, formula) for v in _effects(formula)}
    groups = {v.label: as_factor(_evaluated(v, context)) for b in formula.random for v in b.group.variables}
    offsets = [_offset_call(call, context) for call in formula.offsets]
    extra = {
        "weights": _numbers_argument(weights, "weights", columns, data.index),
        "offset": _numbers_argument(offset, "offset", columns, data.index),
    }
    missing = _missing(formula, response, effects, groups, offsets, extra, context)
    _check_weighted(missing)
    rows = _complete(missing, columns.n)
    _check_rows(rows, missing, columns.n)
    w = extra["weights"]
    total = np.sum([*offsets, *([] if extra["offset"] is None else [extra["offset"]])], axis=0)
    frame = Frame(
        response.values if rows.size == columns.n else response.values[rows],
        {k: _kept(v, rows) for k, v in effects.items()},
        {k: _taken(v, rows).drop_unused() for k, v in groups.items()},
        np.broadcast_to(1.0, rows.size) if w is None else w[rows],
        np.broadcast_to(0.0, rows.size) if np.ndim(total) == 0 else total[rows],
        rows,
        columns.n,
        columns,
        context.memory,
    )
    _check_finite(frame, formula)
    _check_response(frame.y, formula)
    _check_weights(frame)
    return frame


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


def _evaluated(variable: Variable, context: Context) -> Value:
    """Evaluate, and refuse values that the expression could not compute from values that are there.

    A function of the user's may say "missing" with NaN; R's functions, such as log(-1), do not mean that.
    """
    value = evaluate(variable.node, context)
    computed = not isinstance(strip(variable.node), Name) and not calls(variable.node) & set(context.functions)
    if isinstance(value, Numeric) and computed:
        known = ~_inputs_missing(variable.node, context)
        bad = np.flatnonzero(value.missing & known)
        if bad.size:
            raise DataError(
                f"`{variable.label}` is not a number in {_rows(bad)}, although its columns have values there; "
                "leave these rows out or change the expression"
            )
    return value


def _inputs_missing(node: Node, context: Context) -> np.ndarray:
    missing = np.zeros(context.n, dtype=bool)
    for name in names_in(node):
        if name.name in context.columns:
            missing |= context.columns[name.name].missing
    return missing


def as_variable(value: Value, variable: Variable, formula: Formula) -> Numeric | Factor:
    """Return a value as a variable of the model matrix: logicals become factors, dates are refused."""
    if isinstance(value, Logical):
        return as_factor(value) if not value.missing.all() else Factor(_all_missing(value), ("FALSE", "TRUE"))
    if isinstance(value, Factor) and value.kind == "date":
        raise DataError(
            f"`{variable.label}` holds dates; make them numbers in the data first (days since a start, say), "
            "or write factor() for one effect per date"
        )
    return value


def _all_missing(value: Value) -> np.ndarray:
    return np.full(value.missing.size, -1, dtype=np.int64)


def _response(formula: Formula, context: Context) -> Numeric:
    node = strip(formula.response.node)
    if isinstance(node, Call) and node.function == "cbind":
        raise NotAvailableError(
            f"`{formula.response.label}`: a response of two columns belongs to a binomial model; "
            "a Gaussian model needs one numeric response"
        )
    value = _evaluated(formula.response, context)
    if isinstance(value, Logical):
        raise DataError(
            f"the response `{formula.response.label}` is true or false; a Gaussian model needs numbers: "
            f"as.numeric({formula.response.label})"
        )
    try:
        numbers(value)
    except DataError as error:
        raise DataError(f"the response `{formula.response.label}` {error}") from error
    assert isinstance(value, Numeric)
    if value.values.ndim != 1:
        raise DataError(f"the response `{formula.response.label}` has {value.values.shape[1]} columns; give one")
    return value


def _offset_call(call: Call, context: Context) -> np.ndarray:
    label = deparse(call)
    value = _evaluated(Variable(label, call), context)
    try:
        values = numbers(value)
    except DataError as error:
        raise DataError(f"{label}: `{deparse(call.arguments[0].value)}` {error}") from error
    if np.ndim(values) != 1:
        raise DataError(f"{label} has several columns; an offset is one")
    return np.asarray(values)


def _numbers_argument(given: Any, argument: str, columns: Columns, index: pd.Index | None) -> np.ndarray | None:
    """Return weights or offset, a column's name or an array, as numbers (n,)."""
    if given is None:
        return None
    if isinstance(given, str):
        try:
            return np.asarray(numbers(columns.values[given]))
        except DataError as error:
            raise DataError(f"{argument}: `{given}` {error}") from error
    try:
        values = np.array(given, dtype=float)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{argument}: give a column's name or an array of numbers; got {type(given).__name__}"
        ) from error
    if values.shape != (columns.n,):
        raise DataError(f"{argument} has shape {values.shape}; the data have {columns.n} rows")
    if isinstance(given, pd.Series) and index is not None and not given.index.equals(index):
        raise DataError(
            f"{argument} is a Series whose index is not that of the data; make it a column of the data and give its "
            f"name, or give {argument}.to_numpy() where the order is right"
        )
    return values


def _missing(
    formula: Formula,
    response: Value,
    effects: Mapping[str, Value],
    groups: Mapping[str, Factor],
    offsets: list[np.ndarray],
    extra: Mapping[str, np.ndarray | None],
    context: Context,
) -> dict[str, np.ndarray]:
    found = {formula.response.label: response.missing}
    found |= {k: v.missing for k, v in (*effects.items(), *groups.items())}
    found |= {deparse(c): np.isnan(o) for c, o in zip(formula.offsets, offsets, strict=True)}
    found |= {f"{k}=": np.isnan(v) for k, v in extra.items() if v is not None}
    return found


def _check_weighted(missing: Mapping[str, np.ndarray]) -> None:
    """Refuse a missing weight of a row that is complete otherwise."""
    if "weights=" not in missing:
        return
    others = [m for k, m in missing.items() if k != "weights="]
    bad = np.flatnonzero(missing["weights="] & ~np.any(others, axis=0))
    if bad.size:
        raise DataError(f"weights are missing in {_rows(bad)}; fill them in, or leave these rows out of the data")


def _check_rows(rows: np.ndarray, missing: Mapping[str, np.ndarray], n: int) -> None:
    if rows.size:
        return
    worst = sorted(missing.items(), key=lambda item: -int(item[1].sum()))
    shown = ", ".join(f"`{k}` is missing in {int(m.sum())}" for k, m in worst[:3] if m.any())
    raise DataError(f"no complete row is left of {n}: {shown}; leave a variable out or fill in its values")


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


def _rows(positions: np.ndarray) -> str:
    first = ", ".join(str(i + 1) for i in positions[:3])
    return (
        f"{positions.size} row{'s' if positions.size > 1 else ''} (row {first}{', ...' if positions.size > 3 else ''})"
    )


def _check_finite(frame: Frame, formula: Formula) -> None:
    checked = [(formula.response.label, frame.y), ("offset", frame.offset), ("weights", frame.weights)]
    checked += [(k, v.values) for k, v in frame.variables.items() if isinstance(v, Numeric)]
    for name, values in checked:
        finite = np.isfinite(values)
        if not finite.all():
            bad = np.flatnonzero(~(finite if finite.ndim == 1 else finite.all(axis=1)))
            raise DataError(
                f"`{name}` is infinite in {_rows(frame.rows[bad])}; leave these rows out or change the values"
            )


def _check_response(y: np.ndarray, formula: Formula) -> None:
    if y.size and (y == y[0]).all():
        raise DataError(
            f"the response `{formula.response.label}` is {y[0]:g} in all {y.size} rows used; there is nothing to model"
        )


def _check_weights(frame: Frame) -> None:
    bad = np.flatnonzero(frame.weights <= 0)
    if bad.size:
        raise DataError(f"weights must be positive; they are not in {_rows(frame.rows[bad])}; leave these rows out")
