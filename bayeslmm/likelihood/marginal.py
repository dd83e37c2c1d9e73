"""The exact marginal likelihood of (theta, sigma), with b integrated out, from cross-products.

    y = offset + X beta + Z b + e,   b = Lambda(theta) u,   u ~ N(0, sigma^2 I_q),   e ~ N(0, sigma^2 W^-1)

References: Bates, Machler, Bolker & Walker (2015), Journal of Statistical Software 67(1): ML deviance eq. 34, REML
criterion eq. 41, joint density in (beta, sigma, theta) eq. 30. Both criteria are -2 log L.
"""

from dataclasses import dataclass, field
from typing import Self

import numpy as np

from bayeslmm.design import Design
from bayeslmm.likelihood.basis import FixedBasis
from bayeslmm.likelihood.covariance import Covariance, TermShape
from bayeslmm.likelihood.crossprod import CrossProducts, cross_products, with_response
from bayeslmm.likelihood.evaluation import Evaluation, Parts
from bayeslmm.likelihood.kernel import Factor, factorise, solve
from bayeslmm.likelihood.plain import split
from bayeslmm.likelihood.runner import Runner
from bayeslmm.likelihood.symbolic import Structure
from bayeslmm.likelihood.threads import one_blas_thread

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
    runner
        What evaluates it: plain NumPy or compiled loops.
    """

    structure: Structure
    A: CrossProducts
    basis: FixedBasis
    covariance: Covariance
    runner: Runner = field(repr=False)

    @classmethod
    def of(cls, design: Design) -> Self:
        """Reduce a design to its cross-products."""
        terms = design.terms
        covariance = Covariance.of([TermShape(t.group, t.effects, t.blocks, t.n_levels) for t in terms])
        index = [t.index for t in terms]
        structure = Structure.of(index, [t.n_levels for t in terms], [t.k for t in terms])
        y = design.y_net
        with one_blas_thread():
            basis = FixedBasis.of(design.X, y, design.weights)
            A = cross_products(
                structure,
                [t.Z for t in terms],
                index,
                lambda rows: basis.transform(design.X[rows], y[rows]),
                design.weights,
            )
        return cls(structure, A, basis, covariance, Runner(structure, A))

    def with_response(self, design: Design, y: np.ndarray) -> "MarginalLikelihood":
        """The likelihood of another response y (n,), offset taken off; nothing else is made anew."""
        terms = design.terms
        with one_blas_thread():
            basis = self.basis.shifted(design.X, y, design.weights)
            A = with_response(
                self.A,
                [t.Z for t in terms],
                [t.index for t in terms],
                lambda rows: basis.transform(design.X[rows], y[rows]),
                design.weights,
            )
        return MarginalLikelihood(self.structure, A, basis, self.covariance, self.runner.like(A))

    def without(self, design: Design, rows: np.ndarray) -> "MarginalLikelihood":
        """The likelihood without these rows (positions), whose cross-products are subtracted.

        Levels that have no rows left keep their place: they are independent of the rest, with determinant 1, and
        change nothing.
        """
        X, y = design.X[rows], design.y_net[rows]
        with one_blas_thread():
            part = cross_products(
                self.structure,
                [t.Z[rows] for t in design.terms],
                [t.index[rows] for t in design.terms],
                lambda chunk: self.basis.transform(X[chunk], y[chunk]),
                design.weights[rows],
            )
        A = self.A - part
        return MarginalLikelihood(self.structure, A, self.basis, self.covariance, self.runner.anew(A))

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
        return self.value(self.runner.value(flattened(self.covariance.lambdas(theta))), reml, sigma)

    def evaluate(self, flat: np.ndarray, reml: bool = True, sigma: float | None = None) -> Evaluation:
        """Everything at the square factors in `flat` (sum of k^2,), term by term, which need not be triangular.

        Raises
        ------
        numpy.linalg.LinAlgError
            M is not numerically positive definite (a factor is not finite or far too large).
        """
        return self.runner.evaluation(flat, self.nu(reml), reml, sigma)

    def modes(self, flat: np.ndarray) -> tuple[Parts, tuple[np.ndarray, ...]]:
        """Parts of the criterion, and u (k, J) per term, at the factors in `flat`: what needs no derivative."""
        return self.runner.modes(flat)

    def evaluate_theta(self, theta: np.ndarray, reml: bool = True, sigma: float | None = None) -> Evaluation:
        """Everything at theta (m,)."""
        return self.evaluate(flattened(self.covariance.lambdas(theta)), reml, sigma)

    def value(self, at: Factor | Parts, reml: bool, sigma: float | None = None) -> float:
        """-2 log L read off its parts (eqs. 34 and 41; with sigma given, before profiling)."""
        nu = self.nu(reml)
        log_det = at.log_det_Z - self.A.log_weights
        if reml:
            log_det += at.log_det_X + self.basis.log_det
        if sigma is None:
            return log_det + nu * (1 + LOG_2PI + float(np.log(_positive(at.r2) / nu)))
        return log_det + nu * (LOG_2PI + 2 * float(np.log(sigma))) + _positive(at.r2) / sigma**2

    def sigma(self, at: Factor | Parts, reml: bool) -> float:
        """The residual sd that maximises the likelihood there."""
        return float(np.sqrt(_positive(at.r2) / self.nu(reml)))

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
        found = self.evaluate(flattened(lambdas), reml, sigma)
        return self.value(found.parts, reml, sigma), split(self.structure, found.gradient)

    def sigma_derivative(self, at: Factor | Parts, sigma: float, reml: bool) -> float:
        """Derivative of the criterion by sigma, at given (theta, sigma)."""
        return 2 * self.nu(reml) / sigma - 2 * _positive(at.r2) / sigma**3

    def log_density(self, beta: np.ndarray, theta: np.ndarray, sigma: float) -> float:
        """Log density of y given (beta, sigma, theta), with b integrated out (eq. 30)."""
        factor = self.factor(theta)
        _, gamma = solve(factor, self.structure)
        R_X = factor.L_tail[self.structure.q_tail :, self.structure.q_tail :].T
        difference = np.linalg.solve(self.basis.T, beta - self.basis.b0) - gamma if self.p else np.zeros(0)
        distance = R_X @ difference
        deviance = self.value(factor, reml=False, sigma=sigma) + float(distance @ distance) / sigma**2
        return -0.5 * deviance


def flattened(lambdas: tuple[np.ndarray, ...]) -> np.ndarray:
    """One (k, k) factor per term, one after the other in one array."""
    return np.concatenate([np.zeros(0), *(np.ravel(L) for L in lambdas)])


def _positive(r2: float) -> float:
    """Keep the sum of squares off zero where the fixed part reproduces y exactly."""
    return max(r2, float(np.finfo(float).tiny))
