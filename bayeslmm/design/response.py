"""Another response for a design that was built before."""

from typing import Any

import numpy as np

from bayeslmm.design.design import Design
from bayeslmm.errors import ArgumentError, DataError


def checked_response(y: Any, design: Design) -> np.ndarray:
    """Return y as numbers (n,), one for each row used; a copy.

    Raises
    ------
    ArgumentError
        It is not one number for each row.
    DataError
        A value is missing or infinite, or all are the same.
    """
    try:
        values = np.array(y, dtype=float)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"y must be {design.n} numbers, one for each row used; got {type(y).__name__}") from error
    if values.shape != (design.n,):
        raise ArgumentError(f"y has shape {values.shape}; it must be ({design.n},), one number for each row used")
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise DataError(f"y has {bad.size} missing or infinite values, the first at position {bad[0]}")
    if (values == values[0]).all():
        raise DataError(f"y is {values[0]:g} in all {design.n} rows; there is nothing to model")
    return values
