"""The search space of the optimiser: positive semi-definite matrices V_t = Lambda_t Lambda_t', block by block.

A block with k effects is searched as `Lambda = C^-T X`, where `C C'` is the mean of Z_l'W Z_l over levels: in this
basis the data carry one unit of information on each effect of an average level, whatever the units of the predictors
and however far they lie from zero. `X` (k, r) is lower trapezoidal, r <= k the rank that is searched. The criterion is
smooth in `X` everywhere, singular matrices included, and even in each column, so no bounds are needed: the boundary
of the cone is the set of matrices of lower rank.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import NamedTuple

import numpy as np

from bayeslmm.likelihood.covariance import Covariance
from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.likelihood.tiny import eigen, triangle


class Pairs(NamedTuple):
    """For entries (r, c) and (s, d) of X: flat positions (size, size) of (r, s), (c, d) and (r, d), and [c == d]."""

    rows: np.ndarray
    columns: np.ndarray
    crossed: np.ndarray
    same_column: np.ndarray


@dataclass(frozen=True, slots=True)
class Block:
    """One set of correlated effects: `term`, its `effects` (positions), the basis `root` = C^-T (k, k), the `rank`."""

    term: int
    effects: tuple[int, ...]
    root: np.ndarray
    rank: int

    @property
    def k(self) -> int:
        """Number of effects."""
        return len(self.effects)

    @property
    def lower(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows and columns of the entries of X that are searched, column by column."""
        return _lower(self.k, self.rank)

    @property
    def pairs(self) -> "Pairs":
        """Where the entries of X, two by two, find what belongs to them in matrices laid out row by row."""
        return _pairs(self.k, self.rank)

    @property
    def size(self) -> int:
        """Number of entries searched."""
        return self.rank * self.k - self.rank * (self.rank - 1) // 2


@dataclass(frozen=True)
class Cone:
    """All blocks of a model; a point is a vector x of all entries searched."""

    covariance: Covariance
    blocks: tuple[Block, ...]

    @classmethod
    def of(cls, likelihood: MarginalLikelihood) -> "Cone":
        """The full cone: every block with full rank."""
        blocks = []
        for t, term in enumerate(likelihood.covariance.terms):
            mean = likelihood.A.diag[t].mean(axis=2)
            blocks += [
                Block(t, effects, inverse_root(_part(mean, effects, effects)), len(effects)) for effects in term.blocks
            ]
        return cls(likelihood.covariance, tuple(blocks))

    @cached_property
    def size(self) -> int:
        """Length of x."""
        return sum(b.size for b in self.blocks)

    def with_ranks(self, ranks: Sequence[int]) -> "Cone":
        """The matrices of these ranks (or lower), one per block."""
        if all(b.rank == r for b, r in zip(self.blocks, ranks, strict=True)):
            return self
        return replace(self, blocks=tuple(replace(b, rank=r) for b, r in zip(self.blocks, ranks, strict=True)))

    def split(self, x: np.ndarray) -> list[np.ndarray]:
        """Return X (k, rank) of each block."""
        out, at = [], 0
        for b in self.blocks:
            X = np.zeros((b.k, b.rank))
            X[b.lower] = x[at : at + b.size]
            out.append(X)
            at += b.size
        return out

    @cached_property
    def map(self) -> np.ndarray:
        """(sum of k^2, size): the square factors of all terms, flat, are `map @ x`; gradients go back by `@ map`."""
        starts = np.cumsum([0, *(term.k**2 for term in self.covariance.terms)])
        out = np.zeros((starts[-1], self.size))
        at = 0
        for b in self.blocks:
            k, effects = self.covariance.terms[b.term].k, np.array(b.effects)
            rows, columns = b.lower
            where = starts[b.term] + effects[:, None] * k + effects[columns]
            out[where, np.arange(at, at + b.size)] = b.root[:, rows]
            at += b.size
        return out

    def lambdas(self, x: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return a square factor (k, k) per term: not triangular, but with the right Lambda Lambda'."""
        return self.place(self.split(x))

    @property
    def unit(self) -> np.ndarray:
        """The point x (size,) at which every block is the identity; every block must have full rank."""
        lowers = [b.lower for b in self.blocks]
        return np.concatenate([np.zeros(0), *((rows == columns).astype(float) for rows, columns in lowers)])

    def place(self, factors: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
        """Put C^-T X of each block, X (k, c) with any c <= k, into one square factor per term."""
        out = tuple(np.zeros((term.k, term.k)) for term in self.covariance.terms)
        for b, X in zip(self.blocks, factors, strict=True):
            out[b.term][np.ix_(b.effects, b.effects[: X.shape[1]])] = b.root @ X
        return out

    def theta(self, x: np.ndarray) -> np.ndarray:
        """The canonical theta (m,) of a point: exactly zero on the diagonal where the rank is too low."""
        out = tuple(np.zeros((term.k, term.k)) for term in self.covariance.terms)
        for b, X in zip(self.blocks, self.split(x), strict=True):
            L = np.zeros((b.k, b.k))
            L[:, : b.rank] = _trapezoid(b.root @ X)
            scale = np.sqrt((L * L).sum(axis=1))
            L[np.abs(L) <= 1e-13 * scale[:, None]] = 0.0
            out[b.term][np.ix_(b.effects, b.effects)] = L
        return self.covariance.canonical(self.covariance.gather(out))

    def whitened(self, theta: np.ndarray) -> list[np.ndarray]:
        """Return X (k, k) = C' Lambda of each block for a theta (m,)."""
        lambdas = self.covariance.lambdas(theta)
        return [np.linalg.solve(b.root, _part(lambdas[b.term], b.effects, b.effects)) for b in self.blocks]

    def at(self, factors: Sequence[np.ndarray], tolerance: float) -> tuple["Cone", np.ndarray]:
        """Lowest ranks and the point x for whitened factors (k, c), singular values below `tolerance` taken as 0."""
        triangles = []
        for X in factors:
            left, s, _ = np.linalg.svd(X, full_matrices=False)
            keep = s > tolerance
            triangles.append(_trapezoid(left[:, keep] * s[keep]))
        cone = self.with_ranks([X.shape[1] for X in triangles])
        parts = [X[b.lower] for b, X in zip(cone.blocks, triangles, strict=True)]
        return cone, np.concatenate(parts) if parts else np.zeros(0)


def _part(A: np.ndarray, rows: tuple[int, ...], columns: tuple[int, ...]) -> np.ndarray:
    """The given rows and columns of A; all of them, as for most terms, without a copy."""
    return A if len(rows) == len(columns) == len(A) else A[np.ix_(rows, columns)]


@cache
def _lower(k: int, rank: int) -> tuple[np.ndarray, np.ndarray]:
    pairs = np.array([(i, j) for j in range(rank) for i in range(j, k)], dtype=int).reshape(-1, 2)
    return pairs[:, 0].copy(), pairs[:, 1].copy()


@cache
def _pairs(k: int, rank: int) -> Pairs:
    rows, columns = _lower(k, rank)
    return Pairs(
        rows[:, None] * k + rows,
        columns[:, None] * rank + columns,
        rows[:, None] * rank + columns,
        (columns[:, None] == columns).astype(float),
    )


def _trapezoid(X: np.ndarray) -> np.ndarray:
    """The lower-trapezoidal factor with the same X X'."""
    return X if min(X.shape) == 0 or X.size == 1 else triangle(X.T).T


def inverse_root(A: np.ndarray) -> np.ndarray:
    """C^-T with C C' = A, up to directions in which A carries nothing (those keep unit length)."""
    d = np.sqrt(np.where(A.diagonal() > 0, A.diagonal(), 1.0))
    if d.size == 1:
        return 1 / d[:, None]
    values, vectors = eigen(A / d / d[:, None])
    values = np.where(values > 1e-12 * values[-1], values, 1.0)
    return (vectors / np.sqrt(values)) / d[:, None]
