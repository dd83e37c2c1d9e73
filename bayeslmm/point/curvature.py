"""Curvature of the criterion, and how the covariance of the fixed effects depends on the covariance parameters.

With V(gamma) and N = [X y]'V^-1[X y] = [[S, c], [c', d]] of `second_order`, C = S^-1 and z = (-C c, 1), it is

    f = log|V| + log|S| (REML only) + nu log sigma^2 + r^2 / sigma^2,        r^2 = z'N z,

and every derivative follows from those of log|V| and N:

    log|S|_a = tr(C S_a),        log|S|_ab = tr(C S_ab) - tr(C S_a C S_b),
    r^2_a = z'N_a z,             r^2_ab = z'N_ab z - 2 (N_a z)_X' C (N_b z)_X,
    Var(beta_hat) = sigma^2 C,   its derivatives: -sigma^2 C S_a C and 2 sigma C.

The parameters of the search are entries of X with G = X X' (see `cone`). A second derivative in them has one more part,
sum_a f_a d2gamma_a / dx dx', which vanishes at an optimum inside, and is what the boundary's slope adds at one on it.
"""

from dataclasses import dataclass

import numpy as np

from bayeslmm.likelihood.conditional import unscaled_beta_covariance
from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.likelihood.second_order import SecondOrder, affordable, second_order
from bayeslmm.point.cone import Cone

STEP = 1e-4


@dataclass(frozen=True, slots=True)
class Curvature:
    """What inference needs of the criterion at phi = (x, sigma), s parameters in all.

    Attributes
    ----------
    hessian
        (s, s): of the criterion.
    vcov
        (p, p): Var(beta_hat).
    derivatives
        (s, p, p): of Var(beta_hat) by phi.
    """

    hessian: np.ndarray
    vcov: np.ndarray
    derivatives: np.ndarray

    @property
    def parameter_covariance(self) -> np.ndarray:
        """(s, s): 2 H^-1, the covariance of the estimate of phi, on the directions in which the criterion curves up."""
        return 2 * positive_inverse(self.hessian)


def curvature(likelihood: MarginalLikelihood, cone: Cone, x: np.ndarray, sigma: float, reml: bool) -> Curvature:
    """Differentiate twice at any point.

    Parameters
    ----------
    likelihood
        The data.
    cone, x
        Where: ranks of the blocks, and the whitened factors (cone.size,).
    sigma
        Residual sd.
    reml
        REML criterion (True) or ML deviance.

    Notes
    -----
    Where the crossed factors are so many that the dense derivatives would not fit into memory, the gradient, which is
    exact, is differenced instead.
    """
    if not affordable(likelihood):
        return by_differences(likelihood, cone, np.append(x, sigma), reml)
    found = derivatives(likelihood, cone, x)
    first, hessian = _criterion(found, sigma, likelihood.nu(reml), reml)
    J = jacobian(cone, x)
    size = J.shape[1]
    H = np.empty((size + 1, size + 1))
    H[:size, :size] = J.T @ hessian[:-1, :-1] @ J + _second_part(cone, first)
    H[:size, size] = H[size, :size] = J.T @ hessian[:-1, -1]
    H[size, size] = hessian[-1, -1]
    C, by_gamma = coefficient_covariance(found)
    T = likelihood.basis.T
    vcov = sigma**2 * T @ C @ T.T
    by_x = np.tensordot(J.T, sigma**2 * T @ by_gamma @ T.T, axes=1)
    return Curvature(H, vcov, np.concatenate([by_x, 2 / sigma * vcov[None]]))


def derivatives(likelihood: MarginalLikelihood, cone: Cone, x: np.ndarray) -> SecondOrder:
    """Derivatives in the entries gamma of G = X X', block by block, at a point of the search."""
    terms = likelihood.covariance.terms
    roots = tuple(np.zeros((term.k, term.k)) for term in terms)
    factors = tuple(np.zeros((term.k, term.k)) for term in terms)
    for block, X in zip(cone.blocks, cone.split(x), strict=True):
        own = np.ix_(block.effects, block.effects)
        roots[block.term][own] = block.root
        factors[block.term][np.ix_(block.effects, block.effects[: block.rank])] = X
    return second_order(likelihood, roots, factors)


def coefficient_covariance(at: SecondOrder) -> tuple[np.ndarray, np.ndarray]:
    """C = (X'V^-1 X)^-1 (p, p), and its derivatives by gamma (m, p, p)."""
    C = symmetric_inverse(at.N[:-1, :-1])
    return C, -C @ at.N_first[:, :-1, :-1] @ C


def symmetric_inverse(S: np.ndarray) -> np.ndarray:
    """Inverse of a positive definite matrix."""
    root = np.linalg.inv(np.linalg.cholesky(S)) if S.size else S
    return root.T @ root


def _criterion(at: SecondOrder, sigma: float, nu: int, reml: bool) -> tuple[np.ndarray, np.ndarray]:
    """Gradient by gamma (m,) and Hessian (m + 1, m + 1) in (gamma, sigma)."""
    first, second = at.log_det
    S = at.N[:-1, :-1]
    C = symmetric_inverse(S)
    z = np.append(-C @ at.N[:-1, -1], 1.0)
    Nz = at.N_first @ z
    r2, r2_first = float(z @ at.N @ z), Nz @ z
    r2_second = at.N_second @ z @ z - 2 * Nz[:, :-1] @ C @ Nz[:, :-1].T
    if reml:
        CS = C @ at.N_first[:, :-1, :-1]
        first = first + np.einsum("aii->a", CS)
        second = second + np.einsum("ij,abij->ab", C, at.N_second[..., :-1, :-1]) - np.einsum("aij,bji->ab", CS, CS)
    m = first.size
    H = np.empty((m + 1, m + 1))
    H[:m, :m] = second + r2_second / sigma**2
    H[:m, m] = H[m, :m] = -2 * r2_first / sigma**3
    H[m, m] = -2 * nu / sigma**2 + 6 * r2 / sigma**4
    return first + r2_first / sigma**2, H


def jacobian(cone: Cone, x: np.ndarray) -> np.ndarray:
    """d gamma / dx (m, size): gamma_ij = (X X')_ij of each block, i >= j, column by column."""
    out = np.zeros((sum(b.k * (b.k + 1) // 2 for b in cone.blocks), cone.size))
    row = column = 0
    for block, X in zip(cone.blocks, cone.split(x), strict=True):
        j, i = np.triu_indices(block.k)
        r, c = block.lower
        own = (i[:, None] == r) * X[j][:, c] + (j[:, None] == r) * X[i][:, c]
        out[row : row + i.size, column : column + r.size] = own
        row, column = row + i.size, column + r.size
    return out


def _second_part(cone: Cone, first: np.ndarray) -> np.ndarray:
    """sum_a f_a d2gamma_a / dx dx' (size, size) = [c == d] (F + F')_rs for entries (r, c) and (s, d) of X."""
    out = np.zeros((cone.size, cone.size))
    row = column = 0
    for block in cone.blocks:
        j, i = np.triu_indices(block.k)
        F = np.zeros((block.k, block.k))
        F[i, j] = first[row : row + i.size]
        r, c = block.lower
        own = slice(column, column + r.size)
        out[own, own] = (F + F.T)[np.ix_(r, r)] * (c[:, None] == c)
        row, column = row + i.size, column + r.size
    return out


def by_differences(likelihood: MarginalLikelihood, cone: Cone, phi: np.ndarray, reml: bool) -> Curvature:
    """The same by central differences of the analytic gradient and of Var(beta_hat), in phi = (x, sigma)."""
    size, p = phi.size, likelihood.p
    H, dV = np.empty((size, size)), np.empty((size, p, p))
    for i in range(size):
        h = STEP * (abs(phi[i]) if i == size - 1 else max(1.0, abs(phi[i])))
        e = np.zeros(size)
        e[i] = h
        (g1, V1), (g0, V0) = (_gradient_and_variance(likelihood, cone, at, reml) for at in (phi + e, phi - e))
        H[i], dV[i] = (g1 - g0) / (2 * h), (V1 - V0) / (2 * h)
    return Curvature((H + H.T) / 2, _gradient_and_variance(likelihood, cone, phi, reml)[1], dV)


def _gradient_and_variance(
    likelihood: MarginalLikelihood, cone: Cone, phi: np.ndarray, reml: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Gradient (s,) of the criterion in phi = (x, sigma), and Var(beta_hat) (p, p)."""
    sigma = float(phi[-1])
    found = likelihood.evaluate(cone.map @ phi[:-1], reml, sigma)
    by_sigma = likelihood.sigma_derivative(found.parts, sigma, reml)
    variance = sigma**2 * unscaled_beta_covariance(likelihood, found.L_X)
    return np.append(found.gradient @ cone.map, by_sigma), variance


def positive_inverse(H: np.ndarray) -> np.ndarray:
    """Inverse on the directions in which the criterion curves upwards, free of the units of the parameters."""
    d = np.sqrt(np.abs(np.diag(H)))
    d = np.where(d > 0, d, 1.0)
    values, vectors = np.linalg.eigh(H / np.outer(d, d))
    inverse = np.where(values > 1e-8, 1 / np.where(values > 1e-8, values, 1.0), 0.0)
    return (vectors * inverse) @ vectors.T / np.outer(d, d)
