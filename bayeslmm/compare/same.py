"""Whether a fit and a posterior are of the same model on the same rows."""

import numpy as np

from bayeslmm.design import Design
from bayeslmm.errors import ArgumentError
from bayeslmm.results.fit import Fit
from bayeslmm.results.posterior import Posterior


def check_same(fit: Fit, post: Posterior, verb: str) -> None:
    """Raise where they are not.

    Raises
    ------
    ArgumentError
        With both formulas and their numbers of rows.
    """
    one, other = fit.design, post.design
    if one is not other and not _same(one, other):
        raise ArgumentError(
            f"{verb} needs a fit and a posterior of the same model on the same rows: "
            f"{one.formula.text!r} on {one.n} rows and {other.formula.text!r} on {other.n} rows are not; "
            "take `fit.sample()` of the same fit"
        )


def _same(one: Design, other: Design) -> bool:
    names = one.coef_names == other.coef_names and [(t.group, t.effects, t.blocks, t.levels) for t in one.terms] == [
        (t.group, t.effects, t.blocks, t.levels) for t in other.terms
    ]
    arrays = ("y", "X", "weights", "offset")
    return (
        names
        and all(np.array_equal(getattr(one, a), getattr(other, a)) for a in arrays)
        and all(
            np.array_equal(s.index, t.index) and np.array_equal(s.Z, t.Z)
            for s, t in zip(one.terms, other.terms, strict=True)
        )
    )
