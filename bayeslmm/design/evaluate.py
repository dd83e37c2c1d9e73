"""Evaluate an expression of the formula on the columns of the data, by walking our own tree.

Only columns, constants, R's operators and the functions of `functions` (with the user's own) can be reached:
no variables of the caller, no modules, no built-ins of Python.
"""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayeslmm.design.functions import BUILT_IN, Function, Learning, Operand, Users, numbers
from bayeslmm.design.nodes import Argument, Binary, Call, Constant, Name, Node, Paren, Unary, deparse
from bayeslmm.design.operators import OPERATORS, binary, unary
from bayeslmm.design.transforms import Transform
from bayeslmm.design.values import Factor, Logical, Numeric, Value, text_factor
from bayeslmm.errors import BayeslmmError, DataError, FormulaError, did_you_mean

SHORTHAND = {"T": True, "F": False, "True": True, "False": False, "pi": float(np.pi)}


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """What an expression may see.

    Attributes
    ----------
    columns
        The data.
    n
        Number of rows.
    formula
        The whole formula, for the caret of an error.
    functions
        The user's functions.
    memory
        What the learning functions learned, by the text of the call; they learn where it is not there yet.
    """

    columns: Mapping[str, Value]
    n: int
    formula: str
    functions: Mapping[str, Any]
    memory: dict[str, Transform]


def evaluate(node: Node, context: Context) -> Value:
    """Return the value of the expression, one per row.

    Raises
    ------
    FormulaError
        For functions that are not there, wrong arguments, or a result that is no column.
    DataError
        For text where numbers are needed.
    """
    result = _walk(node, context)
    if isinstance(result, Numeric | Logical | Factor):
        return result
    raise FormulaError(f"`{deparse(node)}` is a constant, not a column of the data", context.formula, node.position)


def _walk(node: Node, context: Context) -> Operand:
    match node:
        case Name(name):
            return context.columns[name] if name in context.columns else SHORTHAND[name]
        case Constant(value):
            return value
        case Paren(inner):
            return _walk(inner, context)
        case Unary(_, operand):
            return unary(node, _walk(operand, context))
        case Binary(op, left, right) if op in OPERATORS:
            return binary(node, _walk(left, context), _walk(right, context), context.formula)
        case Call():
            return _call(node, context)
    raise FormulaError(f"`{node.op}` cannot stand inside an expression", context.formula, node.op_position)


def find_function(call: Call, context: Context) -> Function:
    """Return the function that the call names.

    Raises
    ------
    FormulaError
        If it is neither built in nor the user's.
    """
    if call.function in context.functions:
        return Users(context.functions[call.function])
    if call.function in BUILT_IN:
        return BUILT_IN[call.function]
    if call.function == "cbind":
        raise FormulaError("cbind() stands left of the `~` only", context.formula, call.position)
    known = [*context.functions, *BUILT_IN]
    near = did_you_mean(call.function.rpartition(".")[2], known)
    raise FormulaError(
        f"a formula cannot call `{call.function}`{near if near.startswith('; did') else ''}; it may call "
        f"{', '.join(known)}; add your own with functions={{{call.function!r}: ...}}",
        context.formula,
        call.position,
    )


def _call(call: Call, context: Context) -> Operand:
    function = find_function(call, context)
    if isinstance(function, Learning):
        return _learned(call, function, context)
    positional = [_walk(a.value, context) for a in call.arguments if a.name is None]
    named = {_python(a): _walk(a.value, context) for a in call.arguments if a.name is not None}
    if isinstance(function, Users):
        return _users(call, function, positional, named, context)
    _check_arguments(call, function.call, context)
    try:
        return function.call(*positional, **named)
    except DataError as error:
        raise DataError(f"{deparse(call)}: `{_first(call)}` {error}") from error
    except (TypeError, ValueError) as error:
        raise FormulaError(f"{deparse(call)}: {error}", context.formula, call.position) from error


def _first(call: Call) -> str:
    return deparse(call.arguments[0].value) if call.arguments else call.function


def _python(argument: Argument) -> str:
    return (argument.name or "").replace(".", "_")


def _check_arguments(call: Call, function: Any, context: Context) -> None:
    """Raise a FormulaError where the arguments do not fit the function's signature."""
    positional = [None for a in call.arguments if a.name is None]
    named = {_python(a): None for a in call.arguments if a.name is not None}
    signature = inspect.signature(function)
    try:
        signature.bind(*positional, **named)
    except TypeError as error:
        accepted = ", ".join(p.replace("_", ".") for p in signature.parameters)
        raise FormulaError(f"{call.function}({accepted}): {error}", context.formula, call.position) from error


def _learned(call: Call, function: Learning, context: Context) -> Operand:
    _check_arguments(call, function.learn, context)
    names = list(inspect.signature(function.learn).parameters)
    free = iter(n for n in names if n not in {_python(a) for a in call.arguments if a.name})
    given = {(_python(a) if a.name else next(free)): a.value for a in call.arguments}
    source = given.pop(names[0], None)
    if source is None:
        raise FormulaError(f"{call.function}() needs the argument `{names[0]}`", context.formula, call.position)
    x = _column(source, call, context)
    key = deparse(call)
    if key not in context.memory:
        options = {name: _option(value, call, context) for name, value in given.items()}
        context.memory[key] = _learn(call, function, x, options, context)
    result = context.memory[key](x)
    if result.ndim == 2:
        return Numeric(result, tuple(str(j + 1) for j in range(result.shape[1])))
    return Numeric(result)


def _column(node: Node, call: Call, context: Context) -> np.ndarray:
    try:
        x = np.asarray(numbers(_walk(node, context)), dtype=float)
    except DataError as error:
        raise DataError(f"{deparse(call)}: `{deparse(node)}` {error}") from error
    if x.ndim != 1:
        raise FormulaError(f"{call.function}() takes one column", context.formula, node.position)
    return x


def _option(node: Node, call: Call, context: Context) -> Any:
    value = _walk(node, context)
    if isinstance(value, Numeric | Logical | Factor):
        raise FormulaError(
            f"the options of {call.function}() are constants, not columns", context.formula, node.position
        )
    if isinstance(value, float) and not isinstance(value, bool) and value.is_integer():
        return int(value)
    return np.array(value) if isinstance(value, tuple) else value


def _learn(call: Call, function: Learning, x: np.ndarray, options: dict[str, Any], context: Context) -> Transform:
    if np.isinf(x).any():
        raise DataError(f"{deparse(call)}: `{_first(call)}` holds infinite values; remove or replace them")
    if np.isnan(x).all():
        raise DataError(f"{deparse(call)}: `{_first(call)}` is missing in every row")
    try:
        return function.learn(x, **options)
    except (TypeError, ValueError) as error:
        raise DataError(f"{deparse(call)}: {error}") from error


def _users(call: Call, function: Users, positional: list, named: dict, context: Context) -> Operand:
    try:
        result = function.call(*(_plain(v) for v in positional), **{k: _plain(v) for k, v in named.items()})
        array = np.asarray(result)
        text = array.dtype.kind in "UOST" and array.ndim == 1
        array = array.astype(object) if text else array.astype(float)
    except BayeslmmError:
        raise
    except Exception as error:
        raise FormulaError(
            f"{deparse(call)} failed: {type(error).__name__}: {error}", context.formula, call.position
        ) from error
    if array.ndim == 0:
        return float(array)
    if array.ndim > 2 or array.shape[0] != context.n:
        raise FormulaError(
            f"{deparse(call)} returned shape {array.shape}; {context.n} rows were expected",
            context.formula,
            call.position,
        )
    return text_factor(array) if text else Numeric(array)


def _plain(value: Operand) -> Any:
    """Return a value as the user's function gets it: a copy, text as objects, logicals as bool where complete."""
    if isinstance(value, Factor):
        return value.labels()
    if isinstance(value, Logical) and not value.missing.any():
        return value.values.astype(bool)
    return value.values.copy() if isinstance(value, Numeric | Logical) else value
