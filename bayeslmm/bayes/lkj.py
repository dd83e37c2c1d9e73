"""The LKJ distribution of correlation matrices: density, constant, random numbers."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import betaln

from bayeslmm.bayes.codes import NOT_A_NUMBER
from bayeslmm.bayes.prior import Prior, Size, Support


@dataclass(frozen=True, slots=True)
class LKJ(Prior):
    """Correlation matrices R (k, k) with density proportional to |R|^(`eta` - 1).

    `eta` = 1 is uniform over all correlation matrices; a larger one prefers small correlations.

    References
    ----------
    Lewandowski, Kurowicka & Joe (2009), Journal of Multivariate Analysis 100: 1989-2001. Density and constant: eq. 16
    and 17; random numbers: section 2.4, by partial correlations of a C-vine.
    """

    eta: float
    code: ClassVar[int] = NOT_A_NUMBER

    @property
    def support(self) -> Support:
        """Of every single correlation."""
        return -1.0, 1.0

    def logp(self, x: np.ndarray | float) -> np.ndarray:
        """Log density at correlation matrices x (..., k, k), normalised."""
        return self._logp(np.asarray(x, dtype=float))

    def _logp(self, x: np.ndarray) -> np.ndarray:
        return (self.eta - 1) * np.linalg.slogdet(x)[1] - lkj_log_constant(x.shape[-1], self.eta)

    def draw_factor(self, rng: np.random.Generator, k: int, size: Size) -> np.ndarray:
        """Random Cholesky factors L (*size, k, k): L L' is a correlation matrix with this distribution."""
        shape = (size,) if isinstance(size, int) else tuple(size)
        L = np.zeros((*shape, k, k))
        rest = np.ones((*shape, k))  # squared length of each row that is left
        for j in range(k):
            a = self.eta + (k - 2 - j) / 2
            partial = 2 * rng.beta(a, a, size=(*shape, k - 1 - j)) - 1 if j < k - 1 else np.zeros((*shape, 0))
            L[..., j, j] = np.sqrt(rest[..., j])
            L[..., j + 1 :, j] = partial * np.sqrt(rest[..., j + 1 :])
            rest[..., j + 1 :] *= 1 - partial**2
        return L


def lkj_log_constant(k: int, eta: float) -> float:
    """Log of the integral of |R|^(eta - 1) over the correlation matrices R (k, k)."""
    j = np.arange(1, k)
    a = eta + (k - j - 1) / 2
    return float(((k - j) * ((2 * a - 1) * np.log(2) + betaln(a, a))).sum())
