"""Linear functions of the fixed effects: what contrasts, means and slopes are, for a fit and for a posterior alike.

    h = c + L beta

A fit gives h its standard error and df, a posterior the distribution of c + L beta_s over its draws.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayeslmm.design.design import Design
from bayeslmm.design.linear_text import parse_hypotheses
from bayeslmm.errors import ArgumentError, did_you_mean


@dataclass(frozen=True, slots=True, eq=False)
class LinearFunctions:
    """m linear functions of the p coefficients.

    Attributes
    ----------
    L
        (m, p); a row of NaN is a function that the data cannot estimate.
    constant
        (m,): added to L beta (the offset of a mean).
    null
        (m,): the values that tests hold them against.
    labels
        What each row is: columns (m,) by name.
    """

    L: np.ndarray
    constant: np.ndarray
    null: np.ndarray
    labels: Mapping[str, np.ndarray]

    @classmethod
    def of(cls, L: np.ndarray, labels: Mapping[str, Any], null: Any = 0.0, constant: Any = 0.0) -> "LinearFunctions":
        """Functions L (m, p) with scalars or arrays (m,) for the rest."""
        m = L.shape[0]
        columns = {name: np.array(list(values), dtype=object) for name, values in labels.items()}
        return cls(L, np.broadcast_to(constant, (m,)).astype(float), np.broadcast_to(null, (m,)).astype(float), columns)

    @property
    def m(self) -> int:
        """Number of functions."""
        return self.L.shape[0]

    def values(self, beta: np.ndarray) -> np.ndarray:
        """c + L beta for coefficients (..., p): (..., m)."""
        return self.constant + beta @ self.L.T

    def combined(self, weights: np.ndarray, labels: Mapping[str, Any]) -> "LinearFunctions":
        """Weighted sums of the functions, weights (r, m); NaN where one that cannot be estimated has a weight."""
        used = weights != 0
        lost = (used @ np.isnan(self.L).any(axis=1).astype(float)) > 0
        L = weights @ np.nan_to_num(self.L)
        L[lost] = np.nan
        return LinearFunctions.of(L, labels, constant=weights @ self.constant)


def linear_functions(given: Any, design: Design) -> LinearFunctions:
    """Read what the user wrote as a contrast.

    Parameters
    ----------
    given
        A row (p,) or a matrix (m, p), in the order of the coefficients; a DataFrame with coefficients as columns; a
        dict of weights by coefficient, `{"recipeB": 1, "recipeC": -1}`; a string, `"grade = 0"`,
        `"recipeB - recipeC = 0"`, `"a = b = c"`, several with commas between them, or the label of a term; a list of
        these; or a dict of these by name.
    design
        The model.

    Raises
    ------
    ArgumentError
        A wrong length, an unknown coefficient, text that cannot be read.
    """
    rows = _read(given, design, "")
    if not rows:
        raise ArgumentError("contrast: no row was given")
    L = np.array([r for _, r, _ in rows])
    if not np.isfinite(L).all():
        raise ArgumentError("contrast: the weights must be finite numbers")
    zero = [label for label, r, _ in rows if not r.any()]
    if zero:
        raise ArgumentError(f"contrast `{zero[0]}` has only zero weights; it says nothing about the coefficients")
    return LinearFunctions.of(L, {"contrast": [label for label, _, _ in rows]}, null=[v for _, _, v in rows])


type Row = tuple[str, np.ndarray, float]


def _read(given: Any, design: Design, label: str) -> list[Row]:
    if isinstance(given, str):
        return _from_text(given, design, label)
    if isinstance(given, pd.DataFrame):
        return [
            row
            for name, weights in zip(given.index, given.to_dict("records"), strict=True)
            for row in _read({str(k): v for k, v in weights.items()}, design, str(name))
        ]
    if isinstance(given, pd.Series):
        return _read({str(k): v for k, v in given.items()}, design, label)
    if isinstance(given, Mapping):
        if given and all(not isinstance(v, str | Mapping) and np.ndim(v) == 0 for v in given.values()):
            return [_from_weights(given, design, label)]
        return [row for name, value in given.items() for row in _read(value, design, str(name))]
    if isinstance(given, Sequence) and any(isinstance(v, str | Mapping) for v in given):
        return [row for value in given for row in _read(value, design, "")]
    return _from_array(given, design, label)


def _from_text(text: str, design: Design, label: str) -> list[Row]:
    terms = {t.label: t.columns for t in design.fixed_terms}
    name = text.strip()
    if name in terms and name not in design.coef_names:
        if not terms[name]:
            raise ArgumentError(f"the term `{name}` has no columns left: they are collinear with others")
        unit = np.eye(design.p)
        return [(design.coef_names[j], unit[j], 0.0) for j in terms[name]]
    found = parse_hypotheses(text, design.coef_names, design.dropped, [*terms])
    return [(label or h.text, h.weights, h.null) for h in found]


def _from_weights(weights: Mapping[str, Any], design: Design, label: str) -> Row:
    row = np.zeros(design.p)
    for name, value in weights.items():
        if name not in design.coef_names:
            raise unknown_coefficient(str(name), design)
        row[design.coef_names.index(name)] = _number(value, name)
    return (label or _formula(row, design.coef_names), row, 0.0)


def _number(value: Any, name: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"contrast: the weight of `{name}` is {value!r}; give a number") from error


def _from_array(given: Any, design: Design, label: str) -> list[Row]:
    try:
        L = np.array(given, dtype=float)
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            "contrast: give a row or matrix of numbers, a dict of weights by coefficient, or text such as "
            f'"{design.coef_names[-1] if design.p else "x"} = 0"; got {given!r}'
        ) from error
    if L.ndim not in (1, 2) or L.shape[-1] != design.p:
        raise ArgumentError(
            f"contrast: the shape is {L.shape}; the model has {design.p} coefficients, in this order: "
            f"{', '.join(design.coef_names)}"
        )
    rows = np.atleast_2d(L)
    if label:
        names = [label] if len(rows) == 1 else [f"{label}.{i + 1}" for i in range(len(rows))]
        return [(name, row, 0.0) for name, row in zip(names, rows, strict=True)]
    return [(_formula(row, design.coef_names), row, 0.0) for row in rows]


def _formula(row: np.ndarray, names: Sequence[str]) -> str:
    """The weights of a row in words: `recipeB - 0.5 recipeC`."""
    out = ""
    for weight, name in zip(row, names, strict=True):
        if weight:
            size = "" if abs(weight) == 1 else f"{abs(weight):.4g} "
            sign = "-" if weight < 0 else "+"
            out += f" {sign} {size}{name}" if out else f"{'-' if weight < 0 else ''}{size}{name}"
    return out


def unknown_coefficient(name: str, design: Design) -> ArgumentError:
    """What to say of a coefficient that there is not."""
    if name in design.dropped:
        return ArgumentError(
            f"contrast: the column `{name}` was left out of the model, because it is collinear with others"
        )
    return ArgumentError(f"contrast: the model has no coefficient `{name}`{did_you_mean(name, design.coef_names)}")
