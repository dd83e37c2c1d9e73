"""A normal prior of linear functions of beta, integrated out with beta: rows of data that nobody observed.

    R beta ~ N(m, diag(s^2)), flat in all other directions

has the density of r more rows, with predictors R / s and responses m / s, in the same residual sd: in units in which
A is multiplied by 1 / sigma^2 they add sigma^2 [R T / s, (m - R b0) / s]'[...] to the corner of A, where beta = b0 + T
gamma (`basis`). With p columns in X, all else being as in Bates et al. (2015) eqs. 20 to 25,

    -2 log p(y | theta, sigma) = log|L|^2 + (n - p) log(2 pi sigma^2) + r^2 / sigma^2 + r log 2 pi + 2 sum(log s)

with the factor L and r^2 of the enlarged A, and log|det R| of the basis added once. r = 0 is the REML criterion.
"""

from dataclasses import dataclass

import numpy as np

from bayeslmm.likelihood.basis import FixedBasis

LOG_2PI = float(np.log(2 * np.pi))


@dataclass(frozen=True, slots=True, eq=False)
class NormalPrior:
    """R beta ~ N(m, diag(s^2)).

    Attributes
    ----------
    R
        (r, p): the linear functions, linearly independent.
    m, s
        (r,): their prior means and sds.
    """

    R: np.ndarray
    m: np.ndarray
    s: np.ndarray

    def corner(self, basis: FixedBasis) -> np.ndarray:
        """What the prior adds to the corner [X y]'W[X y] of A, per sigma^2: (p + 1, p + 1)."""
        rows = np.column_stack([self.R @ basis.T, self.m - self.R @ basis.b0]) / self.s[:, None]
        return rows.T @ rows

    @property
    def constant(self) -> float:
        """What it adds to -2 log p(y), besides: r log 2 pi + 2 sum(log s)."""
        return self.m.size * LOG_2PI + 2 * float(np.log(self.s).sum())
