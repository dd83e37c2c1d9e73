"""The fixed part of a design once more, under another coding: what tests of type II and III start from."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from bayeslmm.design.contrasts import treatment
from bayeslmm.design.design import Design
from bayeslmm.design.matrices import columns
from bayeslmm.design.values import Factor
from bayeslmm.errors import ArgumentError

type RecodedCoding = Literal["treatment", "indicator"]


@dataclass(frozen=True, slots=True, eq=False)
class Recoded:
    """The fixed part under another coding; unpacks as `X, names, assign`.

    Attributes
    ----------
    X
        (n, P): all columns, collinear ones included.
    names
        P names.
    assign
        (P,): the position of each column's term in `design.fixed_terms`.
    """

    X: np.ndarray
    names: tuple[str, ...]
    assign: np.ndarray

    def __iter__(self) -> Iterator[Any]:
        return iter((self.X, self.names, self.assign))


def recode(design: Design, coding: RecodedCoding) -> Recoded:
    """Return the fixed part of the same rows under another coding.

    Parameters
    ----------
    design
        The design.
    coding
        "treatment": every factor by treatment contrasts, in R's way. "indicator": every factor of every term by all
        its indicator columns, the complete (overparametrised) matrix of SAS.
    """
    if coding not in ("treatment", "indicator"):
        raise ArgumentError(f'coding is "treatment" or "indicator"; got {coding!r}')
    codings = {k: treatment(v.levels) for k, v in design.variables.items() if isinstance(v, Factor)}
    made = columns(design.formula.fixed, design.variables, codings, design.n, complete=coding == "indicator")
    shift = 0 if design.formula.has_intercept else 1
    return Recoded(made.X, made.names, made.assign - shift)
