"""All that follows from theta: beta, its covariance, sigma, and the conditional modes."""

from dataclasses import dataclass

import numpy as np

from bayeslmm.likelihood.conditional import modes, unscaled_beta_covariance, unscaled_mode_variances
from bayeslmm.likelihood.inverse import selected_inverse
from bayeslmm.likelihood.kernel import Factor
from bayeslmm.likelihood.marginal import MarginalLikelihood


@dataclass(frozen=True, slots=True)
class Estimates:
    """The fit at one theta.

    Attributes
    ----------
    factor
        The Cholesky factor at theta.
    sigma
        Residual sd.
    beta
        (p,).
    vcov
        (p, p): Var(beta_hat).
    b
        Per term (J, k): conditional modes.
    covariances
        Per term (k, k): sigma^2 Lambda Lambda'.
    """

    factor: Factor
    sigma: float
    beta: np.ndarray
    vcov: np.ndarray
    b: tuple[np.ndarray, ...]
    covariances: tuple[np.ndarray, ...]


def estimates(likelihood: MarginalLikelihood, theta: np.ndarray, reml: bool) -> Estimates:
    """Read everything off the factor at theta (m,)."""
    factor = likelihood.factor(theta)
    sigma = likelihood.sigma(factor, reml)
    found = modes(likelihood, factor)
    vcov = sigma**2 * unscaled_beta_covariance(likelihood, factor)
    covariances = tuple(sigma**2 * L @ L.T for L in factor.lambdas)
    return Estimates(factor, sigma, found.beta, vcov, found.b, covariances)


def mode_variances(likelihood: MarginalLikelihood, at: Estimates) -> tuple[np.ndarray, ...]:
    """Var(b_l | y, beta) of every level, (J, k, k) per term: what lme4 calls `condVar`."""
    return tuple(at.sigma**2 * V for V in unscaled_mode_variances(likelihood, at.factor))


def joint_variances(likelihood: MarginalLikelihood, at: Estimates) -> tuple[np.ndarray, ...]:
    """Var of (beta_hat - beta, b_hat_l - b_l) of every level, (J, p + k, p + k) per term (Henderson 1975)."""
    inverse = selected_inverse(at.factor, likelihood.structure, with_X=True)
    T = likelihood.basis.T
    out = []
    for L, D, F in zip(at.factor.lambdas, inverse.diag, inverse.fixed, strict=True):
        between = np.einsum("ap,bpj,cb->jac", T, F, L)
        own = np.einsum("ab,bcj,dc->jad", L, D, L)
        beta = np.broadcast_to(at.vcov / at.sigma**2, (own.shape[0], *at.vcov.shape))
        upper = np.concatenate([beta, between], axis=2)
        lower = np.concatenate([np.swapaxes(between, 1, 2), own], axis=2)
        out.append(at.sigma**2 * np.concatenate([upper, lower], axis=1))
    return tuple(out)
