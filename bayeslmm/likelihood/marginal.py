"""The exact marginal likelihood of (theta, sigma), with b integrated out, from cross-products.

    y = offset + X beta + Z b + e,   b = Lambda(theta) u,   u ~ N(0, sigma^2 I_q),   e ~ N(0, sigma^2 W^-1)

References: Bates, Machler, Bolker & Walker (2015), Journal of Statistical Software 67(1): ML deviance eq. 34, REML
criterion eq. 41, joint density in (beta, sigma, theta) eq. 30. Both criteria are -2 log L.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from bayeslmm.design import Design
from bayeslmm.likelihood.basis import FixedBasis
from bayeslmm.likelihood.covariance import Covariance, TermShape
from bayeslmm.likelihood.crossprod import CrossProducts, cross_products
from bayeslmm.likelihood.gradient import lambda_gradient
from bayeslmm.likelihood.inverse import selected_inverse
from bayeslmm.likelihood.kernel import Factor, factorise, solve
from bayeslmm.likelihood.symbolic import Structure

LOG_2PI = float(np.log(2 * np.pi))


@dataclass(frozen=True, slots=True)
class MarginalLikelihood:
    """Everything about the data that the likelihood depends on; its size does not depend on the number of rows.

    Attributes
    ----------
    structure
        Elimination order and pattern.
    A
        Cross-products in the basis `basis`.
    basis
        The change of basis of the fixed part.
    covariance
        The map between theta and the factors Lambda_t.
    """

    structure: Structure
    A: CrossProducts
    basis: FixedBasis
    covariance: Covariance

    @classmethod
    def of(cls, design: Design) -> Self:
        """Reduce a design to its cross-products."""
        terms = design.terms
        covariance = Covariance.of([TermShape(t.group, t.effects, t.blocks, t.n_levels) for t in terms])
        index = [t.index for t in terms]
        structure = Structure.of(index, [t.n_levels for t in terms], [t.k for t in terms])
        y = design.y - design.offset
        basis = FixedBasis.of(design.X, y, design.weights)
        Xy = basis.transform(design.X, y)
        A = cross_products(structure, [t.Z for t in terms], index, Xy, design.weights)
        return cls(structure, A, basis, covariance)

    @property
    def n(self) -> int:
        """Number of rows."""
        return self.A.n

    @property
    def p(self) -> int:
        """Number of fixed-effect coefficients."""
        return self.A.p

    def nu(self, reml: bool) -> int:
        """Degrees of freedom of the residual: n - p for REML, n for ML."""
        return self.n - self.p if reml else self.n

    def factor(self, theta: np.ndarray) -> Factor:
        """Factorise at theta (m,)."""
        return factorise(self.A, self.structure, self.covariance.lambdas(theta))

    def criterion(self, theta: np.ndarray, reml: bool = True, sigma: float | None = None) -> float:
        """-2 log L at theta (m,), with sigma profiled out unless it is given."""
        return self.value(self.factor(theta), reml, sigma)

    def value(self, factor: Factor, reml: bool, sigma: float | None = None) -> float:
        """-2 log L read off a factor (eqs. 34 and 41; with sigma given, before profiling)."""
        nu = self.nu(reml)
        log_det = factor.log_det_Z - self.A.log_weights
        if reml:
            log_det += factor.log_det_X + self.basis.log_det
        if sigma is None:
            return log_det + nu * (1 + LOG_2PI + float(np.log(self._r2(factor) / nu)))
        return log_det + nu * (LOG_2PI + 2 * float(np.log(sigma))) + self._r2(factor) / sigma**2

    def sigma(self, factor: Factor, reml: bool) -> float:
        """The residual sd that maximises the likelihood at this factor."""
        return float(np.sqrt(self._r2(factor) / self.nu(reml)))

    def with_gradient(
        self, theta: np.ndarray, reml: bool = True, sigma: float | None = None
    ) -> tuple[float, np.ndarray]:
        """Value and gradient (m,) of the criterion; sigma is profiled out unless it is given."""
        lambdas = self.covariance.lambdas(theta)
        value, full = self.with_full_gradient(lambdas, reml, sigma)
        return value, self.covariance.gather(full)

    def with_full_gradient(
        self, lambdas: tuple[np.ndarray, ...], reml: bool = True, sigma: float | None = None
    ) -> tuple[float, tuple[np.ndarray, ...]]:
        """Value, and the derivative by every entry of each Lambda_t (k, k), which may be any square matrices.

        With V_t = Lambda_t Lambda_t' it is 2 (df/dV_t) Lambda_t.
        """
        factor = factorise(self.A, self.structure, lambdas)
        u, gamma = solve(factor, self.structure)
        inverse = selected_inverse(factor, self.structure, with_X=reml)
        c = self.nu(reml) / self._r2(factor) if sigma is None else sigma**-2
        gradient = lambda_gradient(self.A, self.structure, lambdas, inverse, u, gamma, c)
        return self.value(factor, reml, sigma), gradient

    def sigma_derivative(self, factor: Factor, sigma: float, reml: bool) -> float:
        """Derivative of the criterion by sigma, at given (theta, sigma)."""
        return 2 * self.nu(reml) / sigma - 2 * self._r2(factor) / sigma**3

    def log_density(self, beta: np.ndarray, theta: np.ndarray, sigma: float) -> float:
        """Log density of y given (beta, sigma, theta), with b integrated out (eq. 30)."""
        factor = self.factor(theta)
        _, gamma = solve(factor, self.structure)
        R_X = factor.L_tail[self.structure.q_tail :, self.structure.q_tail :].T
        difference = np.linalg.solve(self.basis.T, beta - self.basis.b0) - gamma if self.p else np.zeros(0)
        distance = R_X @ difference
        deviance = self.value(factor, reml=False, sigma=sigma) + float(distance @ distance) / sigma**2
        return -0.5 * deviance

    def _r2(self, factor: Factor) -> float:
        """Penalised residual sum of squares, kept off zero where the fixed part reproduces y exactly."""
        return max(factor.r2, np.finfo(float).tiny)
