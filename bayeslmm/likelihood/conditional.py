"""(beta, b) given theta and sigma: modes and variances, read off the factor.

beta_hat = b0 + T gamma,         Var(beta_hat) = sigma^2 T (R_X' R_X)^-1 T'
b_hat = Lambda u,                Var(b | y, beta) = sigma^2 Lambda [(Lambda'Z'WZ Lambda + I)^-1]_ll Lambda'
"""

from dataclasses import dataclass

import numpy as np

from bayeslmm.likelihood.inverse import selected_inverse
from bayeslmm.likelihood.kernel import Factor, solve
from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.likelihood.tiny import inverse_of_triangle


@dataclass(frozen=True, slots=True)
class Modes:
    """Best linear unbiased estimates and predictors at one theta.

    Attributes
    ----------
    beta
        (p,).
    u, b
        Per term (J, k): spherical and original effects of each level.
    """

    beta: np.ndarray
    u: tuple[np.ndarray, ...]
    b: tuple[np.ndarray, ...]


def modes(likelihood: MarginalLikelihood, factor: Factor) -> Modes:
    """Return beta and the conditional modes of the random effects."""
    u, gamma = solve(factor, likelihood.structure)
    b = tuple(np.ascontiguousarray((L @ v).T) for L, v in zip(factor.lambdas, u, strict=True))
    return Modes(likelihood.basis.coefficients(gamma), tuple(v.T for v in u), b)


def unscaled_beta_covariance(likelihood: MarginalLikelihood, L_X: np.ndarray) -> np.ndarray:
    """Var(beta_hat) / sigma^2, (p, p), from the factor L_X (p, p) of X'V^-1 X."""
    root = likelihood.basis.T @ inverse_of_triangle(L_X.T)
    return root @ root.T


def unscaled_mode_variances(likelihood: MarginalLikelihood, factor: Factor) -> tuple[np.ndarray, ...]:
    """Var(b_l | y, beta, theta) / sigma^2 of every level, (J, k, k) per term."""
    inverse = selected_inverse(factor, likelihood.structure, with_X=False)
    return tuple(np.einsum("ab,bcj,dc->jad", L, D, L) for L, D in zip(factor.lambdas, inverse.diag, strict=True))
