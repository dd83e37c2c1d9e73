"""Tests of linear functions as if they were the coefficients: h = L beta_hat with the df and errors of the method."""

from dataclasses import dataclass

import numpy as np

from bayeslmm.point.inference import FTest, Inference


@dataclass(frozen=True)
class Mapped(Inference):
    """Tests of h = L beta_hat; `inner` has those of beta_hat, `L` is (r, p)."""

    inner: Inference
    L: np.ndarray

    @classmethod
    def of(cls, inner: Inference, L: np.ndarray) -> "Mapped":
        """For functions L (r, p)."""
        return cls(L @ inner.vcov @ L.T, inner.method, inner.notes, inner, L)

    def df(self, L: np.ndarray) -> np.ndarray:
        """Degrees of freedom (m,) of each row of L (m, r)."""
        return self.inner.df(L @ self.L)

    def variances(self, L: np.ndarray) -> np.ndarray:
        """Variance (m,) of each row of L h, L (m, r)."""
        return self.inner.variances(L @ self.L)

    def f_test(self, L: np.ndarray, difference: np.ndarray) -> FTest:
        """F test of L h = r, L (m, r)."""
        return self.inner.f_test(L @ self.L, difference)
