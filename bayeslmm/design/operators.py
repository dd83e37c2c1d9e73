"""R's operators on what their sides evaluate to: arithmetic, comparison, logic.

A missing value makes the result missing, but for FALSE & NA, which is FALSE, and TRUE | NA, which is TRUE.
"""

from typing import Any

import numpy as np

from bayeslmm.design.functions import Operand, numbers, truth, wrap
from bayeslmm.design.levels import label
from bayeslmm.design.nodes import Binary, Node, Unary, deparse
from bayeslmm.design.values import Factor
from bayeslmm.errors import DataError, FormulaError

ARITHMETIC = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "^": np.power,
    "%%": np.mod,
    "%/%": np.floor_divide,
}
COMPARISON = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}
LOGIC = ("&", "&&", "|", "||")
OPERATORS = frozenset((*ARITHMETIC, *COMPARISON, *LOGIC))


def unary(node: Unary, operand: Operand) -> Operand:
    """Return `!x`, `-x` or `+x`.

    Raises
    ------
    DataError
        For text.
    """
    x = _numbers(operand, node.operand)
    if node.op == "!":
        return truth(np.asarray(x) == 0, np.isnan(x))
    return wrap(-np.asarray(x) if node.op == "-" else np.asarray(x))


def binary(node: Binary, left: Operand, right: Operand, formula: str) -> Operand:
    """Return what the operator makes of its two sides.

    Parameters
    ----------
    node
        With the operator, one of `OPERATORS`.
    left, right
        The values of its sides.
    formula
        The whole formula, for the caret of an error.

    Raises
    ------
    DataError
        For text where numbers are needed.
    FormulaError
        Where the operator does not know such sides.
    """
    if node.op in COMPARISON and (isinstance(left, Factor | str) or isinstance(right, Factor | str)):
        return _compare_labels(left, right, node, formula)
    a, b = _aligned(_numbers(left, node.left), _numbers(right, node.right), node, formula)
    if node.op in ARITHMETIC:
        with np.errstate(all="ignore"):
            return wrap(ARITHMETIC[node.op](a, b))
    missing = np.isnan(a) | np.isnan(b)
    if node.op in COMPARISON:
        return truth(COMPARISON[node.op](a, b), missing)
    return _and(a, b, missing) if node.op[0] == "&" else _or(a, b, missing)


def _and(a: np.ndarray, b: np.ndarray, missing: np.ndarray) -> Operand:
    false = (a == 0) | (b == 0)
    return truth(~false, missing & ~false)


def _or(a: np.ndarray, b: np.ndarray, missing: np.ndarray) -> Operand:
    true = ((a != 0) & ~np.isnan(a)) | ((b != 0) & ~np.isnan(b))
    return truth(true, missing & ~true)


def _numbers(operand: Operand, node: Node) -> np.ndarray | float:
    try:
        return numbers(operand)
    except DataError as error:
        raise DataError(f"`{deparse(node)}` {error}") from error


def _aligned(a: Any, b: Any, node: Binary, formula: str) -> tuple[np.ndarray, np.ndarray]:
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if a.ndim == 2 and b.ndim == 1:
        b = b[:, None]
    elif b.ndim == 2 and a.ndim == 1:
        a = a[:, None]
    elif a.ndim == b.ndim == 2 and a.shape != b.shape:
        raise FormulaError("the two sides have different numbers of columns", formula, node.op_position)
    return a, b


def _compare_labels(left: Operand, right: Operand, node: Binary, formula: str) -> Operand:
    if node.op in ("==", "!="):
        a, b = _labels(left, node.left), _labels(right, node.right)
        return truth(COMPARISON[node.op](a, b), (a == None) | (b == None))  # noqa: E711 (elementwise)
    factor = left if isinstance(left, Factor) else right
    if not (isinstance(factor, Factor) and factor.ordered):
        raise FormulaError(
            f"`{node.op}` compares numbers or ordered factors; text and factors know only `==` and `!=`",
            formula,
            node.op_position,
        )
    a, b = _ranks(left, factor, node.left), _ranks(right, factor, node.right)
    return truth(COMPARISON[node.op](a, b), (a < 0) | (b < 0))


def _labels(value: Operand, node: Node) -> np.ndarray:
    if isinstance(value, Factor):
        return value.labels()
    if isinstance(value, str | bool | float):
        return np.asarray(label(value), dtype=object)
    raise DataError(f"`{deparse(node)}` holds numbers and is compared with text; write factor({deparse(node)})")


def _ranks(value: Operand, factor: Factor, node: Node) -> np.ndarray:
    if isinstance(value, Factor):
        return value.recode(factor.levels).codes
    if label(value) not in factor.levels:
        raise DataError(f"{deparse(node)} is not a level; there is {', '.join(factor.levels)}")
    return np.asarray(factor.levels.index(label(value)))
