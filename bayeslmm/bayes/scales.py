"""How large parameters can be, read off the columns: what the default priors are scaled by.

Spread, never distance from zero: a predictor such as a year (about 2010, sd 3) must give the priors of the same year
counted from its mean. An interaction is measured by what its columns add to those of its parts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bayeslmm.design import Design

NEGLIGIBLE = 1e-7


@dataclass(frozen=True, slots=True)
class ResponseScale:
    """The response less its offset, by weighted moments.

    Attributes
    ----------
    mean, sd
        Of y - offset.
    from_zero
        Root mean square of y - offset: what a model without an intercept has to reach.
    noise
        `sd` in units of the residual sd, whose square is divided by the weights.
    """

    mean: float
    sd: float
    from_zero: float
    noise: float

    @classmethod
    def of(cls, design: Design) -> "ResponseScale":
        """Moments of a design's response."""
        w, y = design.weights, design.y_net
        mean = float(w @ y / w.sum())
        sd = float(spread(y, w)) or float(spread(design.y, w)) or 1.0
        return cls(mean, sd, float(root_mean_square(y[:, None], w)[0]) or sd, sd * float(np.sqrt(w.mean())))


def means(X: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Weighted means (k,) of the columns of X (n, k)."""
    return w @ X / w.sum()


def spread(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Weighted sd of x (n,) or of the columns of x (n, k), with divisor n - 1 for weights of 1."""
    n = w.size
    centred = x - means(x, w)
    return np.sqrt(w @ centred**2 / w.sum() * (n / (n - 1)))


def level_columns(X: np.ndarray) -> np.ndarray:
    """(k,) bool: which columns of X (n, k) are levels rather than differences or slopes.

    A constant column is one. Without one, indicators of 0 and 1 that divide the rows among them are, as in `0 + f`.
    """
    n, k = X.shape
    out = np.zeros(k, dtype=bool)
    if n == 0 or k == 0:
        return out
    constant = (X[0] == X).all(axis=0) & (X[0] != 0)
    if constant.any():
        out[np.flatnonzero(constant)[0]] = True
        return out
    covered = np.zeros(n, dtype=bool)
    for j in range(k):
        x = X[:, j]
        if ((x == 0) | (x == 1)).all() and x.any() and not covered[x == 1].any():
            covered |= x == 1
            out[j] = True
    return out if covered.all() else np.zeros(k, dtype=bool)


def level_values(X: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """What each column of X (n, k) is where it is not zero, if it is one of `levels` (k,); 1 for all others."""
    return np.where(levels, X[np.abs(X).argmax(axis=0), np.arange(X.shape[1])], 1.0)


def root_mean_square(X: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Weighted root mean square (k,) of the columns of X (n, k)."""
    return np.sqrt(w @ X**2 / w.sum())


def spreads(X: np.ndarray, names: Sequence[str], w: np.ndarray) -> np.ndarray:
    """Spread (k,) of each column of X (n, k), by names as R writes them.

    An interaction `a:b` is taken less its regression on 1, on whether it differs from zero, and on the columns whose
    names are parts of it. Constant columns have the spread that they would have as a level: their value.
    """
    plain = spread(X, w)
    parts = [frozenset(name.split(":")) for name in names]
    out = plain.copy()
    for j in range(X.shape[1]):
        if len(parts[j]) > 1:
            lower = [i for i in range(X.shape[1]) if parts[i] < parts[j]]
            rest = spread(_residual(X[:, j], X[:, lower], w), w)
            out[j] = rest if rest > NEGLIGIBLE * plain[j] else plain[j]
    size = np.abs(X).max(axis=0, initial=0.0)
    return np.where(out > NEGLIGIBLE * size, out, np.where(size > 0, size, 1.0))


def _residual(x: np.ndarray, lower: np.ndarray, w: np.ndarray) -> np.ndarray:
    """What is left of x (n,) after weighted regression on 1, 1(x != 0) and the columns `lower` (n, m)."""
    basis = np.column_stack([np.ones_like(x), x != 0, lower])
    basis = basis / np.maximum(np.linalg.norm(basis, axis=0), np.finfo(float).tiny)
    root = np.sqrt(w)
    coefficients, *_ = np.linalg.lstsq(basis * root[:, None], x * root, rcond=1e-10)
    return x - basis @ coefficients
