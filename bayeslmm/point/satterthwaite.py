"""Satterthwaite's degrees of freedom for contrasts of the fixed effects.

For a contrast l with variance `v(phi) = l'Var(beta_hat; phi) l`, phi = (covariance parameters, sigma),

    df = 2 v^2 / (g'C g),    g = dv/dphi,    C = 2 H^-1,    H = Hessian of the criterion in phi

(Satterthwaite 1946; Giesbrecht & Burns 1985; for F tests Fai & Cornelius 1996; as in lmerTest, Kuznetsova, Brockhoff
& Christensen 2017). phi are the whitened coordinates of the search (see `cone`) on matrices of the rank that the fit
has: at a singular fit the directions without variance are left out. By symmetry they have a zero derivative and no
second derivative with the others, so this is what the formula says at the boundary.
"""

from dataclasses import dataclass

import numpy as np

from bayeslmm.likelihood.conditional import unscaled_beta_covariance
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
        sigma = likelihood.sigma(optimum.evaluation.parts, reml)
        vcov = sigma**2 * unscaled_beta_covariance(likelihood, optimum.evaluation.L_X)
        H, derivatives = _differentiate(likelihood, cone, np.append(x, sigma), reml)
        return cls(vcov, derivatives, 2 * _positive_inverse(H))

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


def _differentiate(
    likelihood: MarginalLikelihood, cone: Cone, phi: np.ndarray, reml: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Hessian (s, s) of the criterion and derivatives (s, p, p) of Var(beta_hat), by central differences in phi."""
    size, p = phi.size, likelihood.p
    H, dV = np.empty((size, size)), np.empty((size, p, p))
    for i in range(size):
        h = STEP * (abs(phi[i]) if i == size - 1 else max(1.0, abs(phi[i])))
        e = np.zeros(size)
        e[i] = h
        (g1, V1), (g0, V0) = (_gradient_and_variance(likelihood, cone, z, reml) for z in (phi + e, phi - e))
        H[i], dV[i] = (g1 - g0) / (2 * h), (V1 - V0) / (2 * h)
    return (H + H.T) / 2, dV


def _gradient_and_variance(
    likelihood: MarginalLikelihood, cone: Cone, phi: np.ndarray, reml: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Gradient (s,) of the criterion in phi = (x, sigma), and Var(beta_hat) (p, p)."""
    sigma = float(phi[-1])
    found = likelihood.evaluate(cone.map @ phi[:-1], reml, sigma)
    by_sigma = likelihood.sigma_derivative(found.parts, sigma, reml)
    variance = sigma**2 * unscaled_beta_covariance(likelihood, found.L_X)
    return np.append(found.gradient @ cone.map, by_sigma), variance


def _positive_inverse(H: np.ndarray) -> np.ndarray:
    """Inverse on the directions in which the criterion curves upwards, free of the units of the parameters."""
    d = np.sqrt(np.abs(np.diag(H)))
    d = np.where(d > 0, d, 1.0)
    values, vectors = np.linalg.eigh(H / np.outer(d, d))
    inverse = np.where(values > 1e-8, 1 / np.where(values > 1e-8, values, 1.0), 0.0)
    return (vectors * inverse) @ vectors.T / np.outer(d, d)
