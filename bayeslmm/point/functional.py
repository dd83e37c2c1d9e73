"""Any smooth function of the parameters by the delta method, with degrees of freedom in Satterthwaite's manner.

For h = f(beta, phi), phi = (covariance parameters, sigma), whose estimates are asymptotically independent of beta_hat,

    v = g_b' Var(beta_hat) g_b + g_p' C g_p,      g_b = df/dbeta,    g_p = df/dphi,

with C the inverse of the observed information of phi, as in `satterthwaite`. v is itself an estimate; matching the
first two moments of a multiple of chi-square to it (Satterthwaite 1946) gives

    df = 2 v^2 / (d' C d),      d = dv/dphi,

where v(phi) is taken with the expected information, which is what varies with phi when other data are drawn. For a
linear function of beta this is `satterthwaite` exactly. For the residual variance with nu df it is nu / 4 on its own
scale, and infinite for its logarithm, whose v does not depend on sigma: take intervals on the scale on which the
function is nearly normal.

f is differentiated by central differences, in steps that are small against the standard errors of the parameters.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bayeslmm.errors import ArgumentError, NotAvailableError
from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.likelihood.second_order import affordable
from bayeslmm.point.cone import Cone
from bayeslmm.point.curvature import coefficient_covariance, curvature, derivatives, jacobian, positive_inverse
from bayeslmm.point.expected_information import expected_information
from bayeslmm.point.optimum import Optimum
from bayeslmm.point.satterthwaite import moment_df

STEP, OUTER = 1e-4, 1e-2  # in standard errors

type Function = Callable[[np.ndarray, tuple[np.ndarray, ...], float], np.ndarray]


@dataclass(frozen=True, slots=True)
class Functional:
    """Estimate, standard error and degrees of freedom of each function, (m,)."""

    estimate: np.ndarray
    se: np.ndarray
    df: np.ndarray


@dataclass(frozen=True, slots=True)
class _Problem:
    """f as a function of omega = (beta, x, sigma), and all that its variance needs."""

    f: Function
    likelihood: MarginalLikelihood
    cone: Cone
    reml: bool
    steps: np.ndarray

    def value(self, omega: np.ndarray) -> np.ndarray:
        p, sigma = self.likelihood.p, float(omega[-1])
        lambdas = self.cone.lambdas(omega[p:-1])
        return self.f(omega[:p], tuple(sigma**2 * L @ L.T for L in lambdas), sigma)

    def gradient(self, omega: np.ndarray) -> np.ndarray:
        """df/domega (m, size)."""
        return np.array([self._slope(omega, i) for i in range(omega.size)]).T

    def _slope(self, omega: np.ndarray, i: int) -> np.ndarray:
        h = np.zeros(omega.size)
        h[i] = STEP * self.steps[i]
        return (self.value(omega + h) - self.value(omega - h)) / (2 * h[i]) if h[i] else 0.0 * self.value(omega)

    def variance(self, omega: np.ndarray) -> np.ndarray:
        """v (m,), with the expected information."""
        p, x, sigma = self.likelihood.p, omega[self.likelihood.p : -1], float(omega[-1])
        at = derivatives(self.likelihood, self.cone, x)
        T = self.likelihood.basis.T
        vcov = sigma**2 * T @ coefficient_covariance(at)[0] @ T.T
        J = np.zeros((at.gamma.size + 1, x.size + 1))
        J[:-1, :-1], J[:-1, -1], J[-1, -1] = sigma**2 * jacobian(self.cone, x), 2 * sigma * at.gamma, 2 * sigma
        C = positive_inverse(J.T @ expected_information(at, sigma**2, self.likelihood.n, self.reml) @ J)
        return _quadratic(self.gradient(omega), vcov, C, p)


def functional(
    f: Function, likelihood: MarginalLikelihood, optimum: Optimum, beta: np.ndarray, reml: bool
) -> Functional:
    """Estimate f with its standard error and df.

    Parameters
    ----------
    f
        Of beta (p,), the covariance (k, k) of each term and sigma; returns (m,).
    likelihood, optimum, beta, reml
        The fit.

    Raises
    ------
    ArgumentError
        f is not finite at the estimate or near it.
    NotAvailableError
        The crossed factors have too many levels for second derivatives.
    """
    if not affordable(likelihood):
        raise NotAvailableError("functional: the crossed factors have too many levels for second derivatives")
    sigma, cone = likelihood.sigma(optimum.evaluation.parts, reml), optimum.cone
    found = curvature(likelihood, cone, optimum.x, sigma, reml)
    C, p = found.parameter_covariance, likelihood.p
    steps = np.sqrt(np.concatenate([np.diag(found.vcov), np.diag(C)]))
    problem, omega = _Problem(f, likelihood, cone, reml, steps), np.concatenate([beta, optimum.x, [sigma]])
    g = problem.gradient(omega)
    v = _quadratic(g, found.vcov, C, p)
    if not np.isfinite(v).all():
        raise ArgumentError("functional: the function is not finite at the estimate, or not smooth near it")
    d = np.array([_outer_slope(problem, omega, p + i) for i in range(C.shape[0])]).T
    return Functional(problem.value(omega), np.sqrt(v), moment_df(v, np.where(np.abs(d) > 0, d, 0.0), C))


def _outer_slope(problem: _Problem, omega: np.ndarray, i: int) -> np.ndarray:
    """dv/domega_i (m,), relative to which differences of differences are noise where v is constant."""
    h = np.zeros(omega.size)
    h[i] = OUTER * problem.steps[i]
    if not h[i]:
        return np.zeros_like(problem.value(omega))
    up, down = problem.variance(omega + h), problem.variance(omega - h)
    change = up - down
    return np.where(np.abs(change) > 1e-7 * (np.abs(up) + np.abs(down)), change, 0.0) / (2 * h[i])


def _quadratic(g: np.ndarray, vcov: np.ndarray, C: np.ndarray, p: int) -> np.ndarray:
    """g_b' Var(beta) g_b + g_p' C g_p (m,) for gradients g (m, size)."""
    own, rest = g[:, :p], g[:, p:]
    return np.einsum("mi,ij,mj->m", own, vcov, own) + np.einsum("mi,ij,mj->m", rest, C, rest)
