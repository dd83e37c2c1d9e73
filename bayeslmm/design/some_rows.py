"""A design of some of its rows: what is fitted where the others are left out."""

from dataclasses import replace

import numpy as np

from bayeslmm.design.design import Design


def some_rows(design: Design, rows: np.ndarray) -> Design:
    """The design of these rows, positions (m,) among its n; columns stay, and levels without rows keep their place."""
    return replace(
        design,
        y=design.y[rows],
        X=np.ascontiguousarray(design.X[rows]),
        terms=tuple(replace(t, Z=np.ascontiguousarray(t.Z[rows]), index=t.index[rows]) for t in design.terms),
        weights=design.weights[rows],
        offset=design.offset[rows],
        rows=design.rows[rows],
    )
