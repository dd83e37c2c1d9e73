"""New data in the image of a fit: what the bootstrap refits.

parametric
    `y* = offset + X beta + Z b* + e*`, b* and e* drawn from the fitted normal distributions.
residual
    b* and e* drawn with replacement from the conditional modes and the residuals. Modes are shrunken, and residuals
    with them: both are centred and stretched until their empirical covariance is the estimated one (Carpenter,
    Goldstein & Rasbash 2003, Applied Statistics 52(4), section 3.2). No normality is assumed.
cases
    Levels of one grouping factor are drawn with replacement, with all their rows: nothing is assumed but that these
    levels are independent of each other. Levels of factors nested in it become new levels with every copy; levels of
    factors that cross it stay what they are.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bayeslmm.design import Design
from bayeslmm.design.rank import independent
from bayeslmm.errors import DataError
from bayeslmm.point.estimates import Estimates


def parametric(design: Design, at: Estimates, rng: np.random.Generator) -> np.ndarray:
    """A response y* (n,) from the fitted model, with new random effects."""
    y = design.offset + design.X @ at.beta
    y += rng.normal(size=design.n) * (at.sigma / np.sqrt(design.weights))
    for term, L in zip(design.terms, at.lambdas, strict=True):
        b = at.sigma * rng.normal(size=(term.n_levels, term.k)) @ L.T
        y += np.einsum("nk,nk->n", term.Z, b[term.index])
    return y


def reflated(design: Design, at: Estimates) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """Residuals (n,), times sqrt(weight), and modes (J, k) per term, with the estimated variances."""
    residual = design.y - design.offset - design.X @ at.beta
    modes = []
    for term, b, V in zip(design.terms, at.b, at.covariances, strict=True):
        residual = residual - np.einsum("nk,nk->n", term.Z, b[term.index])
        modes.append(stretched(b, V))
    pearson = residual * np.sqrt(design.weights)
    return stretched(pearson[:, None], np.array([[at.sigma**2]]))[:, 0], tuple(modes)


def residual(
    design: Design, at: Estimates, pools: tuple[np.ndarray, tuple[np.ndarray, ...]], rng: np.random.Generator
) -> np.ndarray:
    """A response y* (n,) from the pools that `reflated` gives."""
    errors, modes = pools
    y = design.offset + design.X @ at.beta + rng.choice(errors, size=design.n) / np.sqrt(design.weights)
    for term, pool in zip(design.terms, modes, strict=True):
        b = pool[rng.integers(term.n_levels, size=term.n_levels)]
        y += np.einsum("nk,nk->n", term.Z, b[term.index])
    return y


def stretched(b: np.ndarray, V: np.ndarray) -> np.ndarray:
    """Centre b (J, k) and map it so that its covariance (divisor J) is V (k, k), as far as its rank allows."""
    unit = np.sqrt(np.where(np.diag(V) > 0, np.diag(V), 1.0))
    b = (b - b.mean(axis=0)) / unit
    S = b.T @ b / b.shape[0]
    return b @ _root(S, inverse=True) @ _root(V / np.outer(unit, unit), inverse=False) * unit


def _root(M: np.ndarray, inverse: bool) -> np.ndarray:
    """Symmetric square root of a positive semi-definite matrix, or the (pseudo-)inverse of it."""
    values, vectors = np.linalg.eigh(M)
    keep = values > 1e-10 * max(float(values[-1]), 0.0)
    root = np.sqrt(np.where(keep, values, 1.0))
    return (vectors * np.where(keep, 1 / root if inverse else root, 0.0)) @ vectors.T


def cases(design: Design, term: int, levels: Sequence[int] | np.ndarray) -> Design:
    """The design of the rows of these levels (with repetitions) of a term, each copy being a level of its own.

    Raises
    ------
    DataError
        The columns of X are collinear in these rows.
    """
    index = design.terms[term].index
    by_level = np.split(np.argsort(index, kind="stable"), np.cumsum(np.bincount(index))[:-1])
    parts = [by_level[level] for level in levels]
    rows = np.concatenate(parts)
    copy = np.repeat(np.arange(len(parts)), [part.size for part in parts])
    terms = []
    for other in design.terms:
        own = other.index[rows]
        if nested(other.index, index):
            own = copy * np.int64(other.n_levels) + own
        kept, renumbered = np.unique(own, return_inverse=True)
        labels = tuple(f"{other.levels[v % other.n_levels]}#{v // other.n_levels}" for v in kept.tolist())
        if not nested(other.index, index):
            labels = tuple(other.levels[v] for v in kept.tolist())
        terms.append(replace(other, Z=other.Z[rows], index=renumbered.astype(np.int64), levels=labels))
    X = design.X[rows]
    if len(independent(X)) < design.p:
        raise DataError("the columns of the fixed effects are collinear in the cases drawn")
    return replace(
        design,
        y=design.y[rows],
        X=X,
        terms=tuple(terms),
        weights=design.weights[rows],
        offset=design.offset[rows],
        rows=design.rows[rows],
        variables={},
    )


def nested(inner: np.ndarray, outer: np.ndarray) -> bool:
    """Whether all rows of a level of `inner` (n,) lie in one level of `outer` (n,)."""
    first = np.zeros(int(inner.max()) + 1, dtype=outer.dtype)
    first[inner] = outer
    return bool((first[inner] == outer).all())


def clusters(design: Design) -> int | None:
    """The term whose levels are independent of each other: all others are nested in it. None where there is none."""
    order = sorted(range(len(design.terms)), key=lambda t: design.terms[t].n_levels)
    outer = design.terms[order[0]].index
    return order[0] if all(nested(t.index, outer) for t in design.terms) else None
