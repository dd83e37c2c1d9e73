"""The variables of a model frame, evaluated on all rows; what cannot be one is said here."""

from typing import Any

import numpy as np
import pandas as pd

from bayeslmm.design.algebra import Variable
from bayeslmm.design.columns import Columns
from bayeslmm.design.evaluate import Context, evaluate
from bayeslmm.design.formula import Formula
from bayeslmm.design.frame_checks import in_words
from bayeslmm.design.functions import numbers
from bayeslmm.design.nodes import Call, Name, Node, calls, deparse, names_in, strip
from bayeslmm.design.values import Factor, Logical, Numeric, Value, as_factor
from bayeslmm.errors import DataError, NotAvailableError


def evaluated(variable: Variable, context: Context) -> Value:
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
                f"`{variable.label}` is not a number in {in_words(bad)}, although its columns have values there; "
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


def response_of(formula: Formula, context: Context) -> Numeric:
    """Return the response: numbers, one a row.

    Raises
    ------
    DataError, NotAvailableError
        It is something else.
    """
    node = strip(formula.response.node)
    if isinstance(node, Call) and node.function == "cbind":
        raise NotAvailableError(
            f"`{formula.response.label}`: a response of two columns belongs to a binomial model; "
            "a Gaussian model needs one numeric response"
        )
    value = evaluated(formula.response, context)
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


def offset_of(call: Call, context: Context) -> np.ndarray:
    """Return the numbers (n,) of a call of offset()."""
    label = deparse(call)
    value = evaluated(Variable(label, call), context)
    try:
        values = numbers(value)
    except DataError as error:
        raise DataError(f"{label}: `{deparse(call.arguments[0].value)}` {error}") from error
    if np.ndim(values) != 1:
        raise DataError(f"{label} has several columns; an offset is one")
    return np.asarray(values)


def numbers_argument(given: Any, argument: str, columns: Columns, index: pd.Index | None) -> np.ndarray | None:
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
