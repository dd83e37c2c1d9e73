"""Satterthwaite's degrees of freedom for contrasts of the fixed effects.

For a contrast l with variance `v(phi) = l'Var(beta_hat; phi) l`, phi = (covariance parameters, sigma),

    df = 2 v^2 / (g'C g),    g = dv/dphi,    C = 2 H^-1,    H = Hessian of the criterion in phi

(Satterthwaite 1946; Giesbrecht & Burns 1985; for F tests Fai & Cornelius 1996; as in lmerTest, Kuznetsova, Brockhoff
& Christensen 2017). phi are the whitened coordinates of the search (see `cone`) on matrices of the rank that the fit
has: at a singular fit the directions without variance are left out. By symmetry they have a zero derivative and no
second derivative with the others, so this is what the formula says at the boundary.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bayeslmm.likelihood.conditional import unscaled_beta_covariance
from bayeslmm.likelihood.kernel import factorise
from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.point.cone import Cone
from bayeslmm.point.optimum import Optimum

STEP = 1e-4


@dataclass(frozen=True, slots=True)
class Satterthwaite:
    """All that the degrees of freedom of any contrast need.

    Attributes
    ----------
    vcov
        (p, p): Var(beta_hat).
    derivatives
        (s, p, p): its derivatives by the s elements of phi.
    parameter_covariance
        (s, s): C.
    """

    vcov: np.ndarray
    derivatives: np.ndarray
    parameter_covariance: np.ndarray

    @classmethod
    def of(cls, likelihood: MarginalLikelihood, optimum: Optimum, reml: bool) -> "Satterthwaite":
        """Differentiate at the optimum."""
        cone, x = optimum.cone, optimum.x
        sigma = likelihood.sigma(factorise(likelihood.A, likelihood.structure, cone.lambdas(x)), reml)
        C = 2 * _positive_inverse(_hessian(likelihood, cone, x, sigma, reml))
        vcov = sigma**2 * _unscaled(likelihood, cone, x)
        derivatives = [_central(lambda z: sigma**2 * _unscaled(likelihood, cone, z), x, i) for i in range(x.size)]
        derivatives.append(2 * vcov / sigma)
        return cls(vcov, np.array(derivatives), C)

    def df(self, L: np.ndarray) -> np.ndarray:
        """Degrees of freedom of each row of L (m, p): (m,)."""
        v = np.einsum("mi,ij,mj->m", L, self.vcov, L)
        g = np.einsum("mi,sij,mj->ms", L, self.derivatives, L)
        return 2 * v**2 / np.einsum("ms,st,mt->m", g, self.parameter_covariance, g)

    def f_test(self, L: np.ndarray, beta: np.ndarray) -> tuple[float, int, float]:
        """F, numerator df and denominator df of L beta = 0; L (m, p), rank-deficient L is reduced."""
        values, vectors = np.linalg.eigh(L @ self.vcov @ L.T)
        keep = values > 1e-8 * max(float(values[-1]), 0.0)
        q = int(keep.sum())
        if q == 0:
            return float("nan"), 0, float("nan")
        rows = vectors[:, keep].T @ L
        F = float(((rows @ beta) ** 2 / values[keep]).sum() / q)
        return F, q, _combined_df(self.df(rows))


def _combined_df(nu: np.ndarray) -> float:
    """Denominator df of a sum of independent squared t variables (Fai & Cornelius 1996)."""
    if nu.size == 1 or np.ptp(nu) < 1e-8 * nu.mean():
        return float(nu.mean())
    if (nu <= 2).any():
        return 2.0
    E = float((nu / (nu - 2)).sum())
    return 2 * E / (E - nu.size)


def _unscaled(likelihood: MarginalLikelihood, cone: Cone, x: np.ndarray) -> np.ndarray:
    return unscaled_beta_covariance(likelihood, factorise(likelihood.A, likelihood.structure, cone.lambdas(x)))


def _hessian(likelihood: MarginalLikelihood, cone: Cone, x: np.ndarray, sigma: float, reml: bool) -> np.ndarray:
    """Hessian of the criterion in (x, sigma), from central differences of its gradient."""

    def gradient(phi: np.ndarray) -> np.ndarray:
        lambdas = cone.lambdas(phi[:-1])
        _, full = likelihood.with_full_gradient(lambdas, reml, phi[-1])
        factor = factorise(likelihood.A, likelihood.structure, lambdas)
        return np.append(cone.pull(full), likelihood.sigma_derivative(factor, phi[-1], reml))

    phi = np.append(x, sigma)
    H = np.array([_central(gradient, phi, i, relative=i == x.size) for i in range(phi.size)])
    return (H + H.T) / 2


def _central(f: Callable[[np.ndarray], np.ndarray], phi: np.ndarray, i: int, relative: bool = False) -> np.ndarray:
    """Derivative of f by phi[i] by central differences."""
    h = STEP * (abs(phi[i]) if relative else max(1.0, abs(phi[i])))
    e = np.zeros(phi.size)
    e[i] = h
    return (f(phi + e) - f(phi - e)) / (2 * h)


def _positive_inverse(H: np.ndarray) -> np.ndarray:
    """Inverse on the directions in which the criterion curves upwards, free of the units of the parameters."""
    d = np.sqrt(np.abs(np.diag(H)))
    d = np.where(d > 0, d, 1.0)
    values, vectors = np.linalg.eigh(H / np.outer(d, d))
    inverse = np.where(values > 1e-8, 1 / np.where(values > 1e-8, values, 1.0), 0.0)
    return (vectors * inverse) @ vectors.T / np.outer(d, d)
