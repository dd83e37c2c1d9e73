"""The rows of several designs of one model, one below the other: what all imputed data sets say about scales."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bayeslmm.design.design import Design, RandomTerm


def stacked(designs: Sequence[Design]) -> Design:
    """Stack the rows of designs with the same columns.

    Levels are numbered as in the first design; only the columns of the random terms are of use, and the result cannot
    be built again from data.
    """
    first = designs[0]

    def rows(of: str) -> np.ndarray:
        return np.concatenate([getattr(d, of) for d in designs])

    terms = tuple(_stacked_term([d.terms[t] for d in designs]) for t in range(len(first.terms)))
    return replace(
        first,
        y=rows("y"),
        X=rows("X"),
        terms=terms,
        weights=rows("weights"),
        offset=rows("offset"),
        rows=rows("rows"),
        n_missing=sum(d.n_missing for d in designs),
        variables={},
        columns={},
        source=None,
    )


def _stacked_term(terms: Sequence[RandomTerm]) -> RandomTerm:
    Z, index = (np.concatenate([getattr(t, name) for t in terms]) for name in ("Z", "index"))
    return replace(terms[0], Z=Z, index=index)
