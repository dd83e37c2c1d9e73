"""The model frame: every variable of the formula, on the complete cases."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bayeslmm.design.columns import Columns
from bayeslmm.design.transforms import Transform
from bayeslmm.design.values import Factor, Numeric


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
