"""What is wrong with the rows of a model frame, with the cure: each check raises a DataError."""

from collections.abc import Mapping

import numpy as np

from bayeslmm.design.formula import Formula
from bayeslmm.design.frame import Frame
from bayeslmm.design.values import Numeric
from bayeslmm.errors import DataError


def in_words(positions: np.ndarray) -> str:
    """Rows by position, the first three of them."""
    first = ", ".join(map(str, positions[:3]))
    several, more = "s" if positions.size > 1 else "", ", ..." if positions.size > 3 else ""
    return f"{positions.size} row{several} (row {first}{more}, counted from 0)"


def check_weighted(missing: Mapping[str, np.ndarray]) -> None:
    """Refuse a missing weight of a row that is complete otherwise."""
    if "weights=" not in missing:
        return
    others = [m for k, m in missing.items() if k != "weights="]
    bad = np.flatnonzero(missing["weights="] & ~np.any(others, axis=0))
    if bad.size:
        raise DataError(f"weights are missing in {in_words(bad)}; fill them in, or leave these rows out of the data")


def check_rows(rows: np.ndarray, missing: Mapping[str, np.ndarray], n: int) -> None:
    """Refuse data without a complete row, and say what is missing most."""
    if rows.size:
        return
    worst = sorted(missing.items(), key=lambda item: -int(item[1].sum()))
    shown = ", ".join(f"`{k}` is missing in {int(m.sum())}" for k, m in worst[:3] if m.any())
    raise DataError(f"no complete row is left of {n}: {shown}; leave a variable out or fill in its values")


def check_finite(frame: Frame, formula: Formula) -> None:
    """Refuse infinite values."""
    checked = [(formula.response.label, frame.y), ("offset", frame.offset), ("weights", frame.weights)]
    checked += [(k, v.values) for k, v in frame.variables.items() if isinstance(v, Numeric)]
    for name, values in checked:
        finite = np.isfinite(values)
        if not finite.all():
            bad = np.flatnonzero(~(finite if finite.ndim == 1 else finite.all(axis=1)))
            raise DataError(
                f"`{name}` is infinite in {in_words(frame.rows[bad])}; leave these rows out or change the values"
            )


def check_response(y: np.ndarray, formula: Formula) -> None:
    """Refuse a response (n,) that is constant."""
    if y.size and (y == y[0]).all():
        raise DataError(
            f"the response `{formula.response.label}` is {y[0]:g} in all {y.size} rows used; there is nothing to model"
        )


def check_weights(frame: Frame) -> None:
    """Refuse weights that are zero or negative."""
    bad = np.flatnonzero(frame.weights <= 0)
    if bad.size:
        raise DataError(f"weights must be positive; they are not in {in_words(frame.rows[bad])}; leave these rows out")
