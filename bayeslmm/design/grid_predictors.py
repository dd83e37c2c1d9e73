"""The predictors of the fixed part, and the values at which a reference grid has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayeslmm.design.design import Design
from bayeslmm.design.levels import label as level_label
from bayeslmm.design.nodes import Call, Node, names_in
from bayeslmm.design.values import Logical, Numeric, Value, as_factor
from bayeslmm.errors import ArgumentError, did_you_mean

FACTORS = ("factor", "as.factor", "ordered", "as.ordered", "relevel", "interaction", "as.character")
FEW = 2


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


def grid_predictors(design: Design, at: Mapping[str, Any] | None) -> dict[str, Predictor]:
    """The predictors by name, at the values asked for.

    Raises
    ------
    ArgumentError
        An unknown predictor or level, or values that are not numbers.
    """
    at = dict(at or {})
    if not design.p:
        raise ArgumentError("the model has no fixed effects, so that there are no means")
    for name in at:
        if name not in design.columns:
            raise ArgumentError(f"at: no predictor `{name}` in the fixed part{did_you_mean(name, design.columns)}")
    return {name: _predictor(name, value, at.get(name), design) for name, value in design.columns.items()}


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
