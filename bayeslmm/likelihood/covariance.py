"""theta <-> Lambda <-> standard deviations and correlations.

Each grouping factor t has one k x k factor `Lambda_t` with `Cov(b_l) = sigma^2 Lambda_t Lambda_t'` for every level l.
`Lambda_t` is lower triangular inside each block of correlated effects and zero outside of the blocks. `theta` holds
the entries that may differ from zero: term by term, block by block, column by column of each triangle
(Bates et al. 2015, section 2.2).

The criterion depends on theta through `Lambda Lambda'` only, so the sign of a column of `Lambda` is free. The
canonical choice has a non-negative diagonal.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class TermShape:
    """What the covariance needs to know of a grouping factor.

    Attributes
    ----------
    group
        Its name.
    effects
        The k names of the effects.
    blocks
        Positions of the effects that are correlated with each other.
    n_levels
        Number of levels J.
    """

    group: str
    effects: tuple[str, ...]
    blocks: tuple[tuple[int, ...], ...]
    n_levels: int

    @property
    def k(self) -> int:
        """Number of effects per level."""
        return len(self.effects)


@dataclass(frozen=True, slots=True)
class Covariance:
    """The map between theta (m,) and the factors Lambda_t (k, k).

    Attributes
    ----------
    terms
        The grouping factors.
    entries
        For each element of theta: (term, row, column) of the entry of Lambda that it is.
    """

    terms: tuple[TermShape, ...]
    entries: tuple[tuple[int, int, int], ...]

    @classmethod
    def of(cls, terms: Sequence[TermShape]) -> "Covariance":
        """Lay out theta for these grouping factors."""
        entries = [
            (t, block[i], block[j])
            for t, term in enumerate(terms)
            for block in term.blocks
            for j in range(len(block))
            for i in range(j, len(block))
        ]
        return cls(tuple(terms), tuple(entries))

    @property
    def m(self) -> int:
        """Length of theta."""
        return len(self.entries)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of theta's elements as lme4 writes them: `g.x` on the diagonal, `g.x.(Intercept)` below it."""
        labels = []
        for t, i, j in self.entries:
            term = self.terms[t]
            parts = (term.group, term.effects[i]) if i == j else (term.group, term.effects[i], term.effects[j])
            labels.append(".".join(parts))
        return tuple(labels)

    @property
    def on_diagonal(self) -> np.ndarray:
        """(m,) bool: whether the element is a diagonal entry of its Lambda."""
        return np.array([i == j for _, i, j in self.entries], dtype=bool)

    def lambdas(self, theta: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return Lambda_t (k, k) of every term."""
        out = tuple(np.zeros((term.k, term.k)) for term in self.terms)
        for value, (t, i, j) in zip(theta, self.entries, strict=True):
            out[t][i, j] = value
        return out

    def gather(self, matrices: Sequence[np.ndarray]) -> np.ndarray:
        """Read the entries that theta stands for out of one (k, k) matrix per term; undoes `lambdas`."""
        return np.array([matrices[t][i, j] for t, i, j in self.entries], dtype=float)

    def canonical(self, theta: np.ndarray) -> np.ndarray:
        """Return the theta with the same Lambda Lambda' and a non-negative diagonal."""
        sign = {
            (t, j): -1.0 if value < 0 else 1.0 for value, (t, i, j) in zip(theta, self.entries, strict=True) if i == j
        }
        return np.array([value * sign[t, j] for value, (t, _, j) in zip(theta, self.entries, strict=True)]) + 0.0

    def factor(self, covariances: Sequence[np.ndarray]) -> np.ndarray:
        """Return theta (m,) of positive semi-definite matrices (k, k), one per term; singular ones are fine."""
        factors = []
        for term, V in zip(self.terms, covariances, strict=True):
            L = np.zeros_like(V)
            for block in term.blocks:
                L[np.ix_(block, block)] = lower_factor(V[np.ix_(block, block)])
            factors.append(L)
        return self.gather(factors)


def lower_factor(V: np.ndarray) -> np.ndarray:
    """Lower-triangular L (k, k) with L L' = V for a positive semi-definite V, by QR of a symmetric root of V."""
    values, vectors = np.linalg.eigh(V)
    root = vectors * np.sqrt(np.clip(values, 0, None))
    L = np.linalg.qr(root.T, mode="r").T
    return L * np.where(np.diag(L) < 0, -1.0, 1.0)


def sd_and_correlation(V: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Standard deviations (k,) and correlations (k, k) of a covariance; NaN correlation where an sd is zero."""
    sd = np.sqrt(np.clip(np.diag(V), 0, None))
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = np.clip(V / np.outer(sd, sd), -1.0, 1.0)
    np.fill_diagonal(correlation, 1.0)
    return sd, correlation
