"""All that follows from theta: beta, its covariance, sigma, and the conditional modes."""

from dataclasses import dataclass

import numpy as np

from bayeslmm.likelihood.conditional import unscaled_beta_covariance, unscaled_mode_variances
from bayeslmm.likelihood.inverse import selected_inverse
from bayeslmm.likelihood.kernel import factorise
from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.point.optimum import Optimum


@dataclass(frozen=True, slots=True)
class Estimates:
    """The fit at one theta.

    Attributes
    ----------
    sigma
        Residual sd.
    beta
        (p,).
    vcov
        (p, p): Var(beta_hat).
    b
        Per term (J, k): conditional modes.
    lambdas
        Per term (k, k): relative covariance factors.
    covariances
        Per term (k, k): sigma^2 Lambda Lambda'.
    """

    sigma: float
    beta: np.ndarray
    vcov: np.ndarray
    b: tuple[np.ndarray, ...]
    lambdas: tuple[np.ndarray, ...]
    covariances: tuple[np.ndarray, ...]


def estimates(likelihood: MarginalLikelihood, optimum: Optimum, reml: bool) -> Estimates:
    """Read everything off what the likelihood told at the optimum."""
    found = optimum.evaluation
    sigma = likelihood.sigma(found.parts, reml)
    beta = likelihood.basis.coefficients(found.gamma)
    vcov = sigma**2 * unscaled_beta_covariance(likelihood, found.L_X)
    lambdas = likelihood.covariance.lambdas(optimum.theta)
    covariances = tuple(sigma**2 * L @ L.T for L in lambdas)
    return Estimates(sigma, beta, vcov, tuple(b.T for b in found.b), lambdas, covariances)


def mode_variances(likelihood: MarginalLikelihood, at: Estimates) -> tuple[np.ndarray, ...]:
    """Var(b_l | y, beta) of every level, (J, k, k) per term: what lme4 calls `condVar`."""
    factor = factorise(likelihood.A, likelihood.structure, at.lambdas)
    return tuple(at.sigma**2 * V for V in unscaled_mode_variances(likelihood, factor))


def joint_variances(likelihood: MarginalLikelihood, at: Estimates) -> tuple[np.ndarray, ...]:
    """Var of (beta_hat - beta, b_hat_l - b_l) of every level, (J, p + k, p + k) per term (Henderson 1975)."""
    factor = factorise(likelihood.A, likelihood.structure, at.lambdas)
    inverse = selected_inverse(factor, likelihood.structure, with_X=True)
    T = likelihood.basis.T
    out = []
    for L, D, F in zip(at.lambdas, inverse.diag, inverse.fixed, strict=True):
        between = np.einsum("ap,bpj,cb->jac", T, F, L)
        own = np.einsum("ab,bcj,dc->jad", L, D, L)
        beta = np.broadcast_to(at.vcov / at.sigma**2, (own.shape[0], *at.vcov.shape))
        upper = np.concatenate([beta, between], axis=2)
        lower = np.concatenate([np.swapaxes(between, 1, 2), own], axis=2)
        out.append(at.sigma**2 * np.concatenate([upper, lower], axis=1))
    return tuple(out)
