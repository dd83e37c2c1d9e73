"""Fixed effects for clusters without their dummies: constants and slopes of the clusters are projected out.

    y = X beta + sum_c z_c s_c[cluster] + e,    z_0 = 1, z_c columns of X,    s_c (J,) free

In a model with dummies coded by contrasts C, s_c is C d_c, and what is common to the clusters, a's_c with a the first
row of [1 C]^-1, belongs to the coefficient of z_c: the plain average with codings that sum to zero, the first cluster's
with treatment coding. The coefficient of column i of X is therefore the function

    beta_i + k_i a's_0 + sum_c 1(i = c) a's_c,    1 = X k where X has a constant,

of the free parameters. By Frisch, Waugh & Lovell, beta is least squares of what the clusters' own columns Z_j leave of
y on what they leave of X, and s_j = Z_j^+ (y - X beta); the two parts of the function are uncorrelated. It is estimable
where it vanishes on the null space: beta in that of the projected X, s_j = -Z_j^+ X_j beta plus that of Z_j.

Clusters of one size are decomposed together; n x (k + p) numbers are the largest array.
"""

from dataclasses import dataclass

import numpy as np

from bayeslmm.compare.levels import of_one_size
from bayeslmm.compare.regression import RANK, Regression, least_squares_of


@dataclass(frozen=True, slots=True)
class Own:
    """What the clusters' own columns say, J clusters with k columns each.

    Attributes
    ----------
    coefficients
        (J, k, 1 + p): Z_j^+ [y X].
    covariance
        (J, k, k): (Z_j'Z_j)^+.
    told
        (J, k) bool: whether the rows of the cluster determine the coefficient.
    rest
        (n, 1 + p): what Z_j leaves of [y X].
    rank
        Of all clusters' columns together.
    """

    coefficients: np.ndarray
    covariance: np.ndarray
    told: np.ndarray
    rest: np.ndarray
    rank: int


def absorbed(
    X: np.ndarray, y: np.ndarray, weights: np.ndarray, index: np.ndarray, slopes: list[int], average: np.ndarray
) -> Regression:
    """Least squares with constants, and slopes of some columns, for each cluster.

    Parameters
    ----------
    X, y, weights
        (n, p), (n,) and (n,).
    index
        (n,): the cluster of each row.
    slopes
        Columns of X whose coefficients are the clusters' own.
    average
        (J,): a, the weights of the clusters in what is common to them; their sum is 1.

    Raises
    ------
    DataError
        Nothing is left to estimate the residual variance from.
    """
    root = np.sqrt(weights)[:, None]
    Z = np.column_stack([np.ones(len(y)), X[:, slopes]]) * root
    yX = np.column_stack([y, X]) * root
    own = _own(Z, yX, index, average.size)
    found = least_squares_of(_cleaned(own.rest[:, 1:], yX[:, 1:]), own.rest[:, 0], lost=own.rank)
    kappa = np.column_stack([_constant(X), np.eye(X.shape[1])[:, slopes]])
    H = np.einsum("j,jkc->kc", average, own.coefficients)
    G = np.eye(X.shape[1]) - kappa @ H[:, 1:]
    needed = kappa != 0
    lost = ~own.told[average != 0].all(axis=0)
    terms = np.eye(X.shape[1]) + np.abs(kappa) @ np.abs(H[:, 1:])
    estimable = ~(needed & lost).any(axis=1) & found.tells(G, terms)
    V = np.einsum("j,jkl->kl", average**2, own.covariance)
    variance = np.einsum("ik,kl,il->i", kappa, V, kappa) + found.variances(G)
    estimate, se = kappa @ H[:, 0] + G @ found.beta, np.sqrt(found.s2 * variance)
    return Regression(np.where(estimable, estimate, np.nan), np.where(estimable, se, np.nan), found.df)


def _own(Z: np.ndarray, yX: np.ndarray, index: np.ndarray, J: int) -> Own:
    k, c = Z.shape[1], yX.shape[1]
    coefficients, covariance = np.empty((J, k, c)), np.empty((J, k, k))
    told, rest, rank = np.empty((J, k), dtype=bool), np.empty(yX.shape), 0
    for levels, rows in of_one_size(index, J):
        A, B = Z[rows], yX[rows]
        scale = np.linalg.norm(A, axis=1)[:, None, :]
        scale = np.where(scale > 0, scale, 1.0)
        left, s, right = np.linalg.svd(A / scale, full_matrices=False)
        keep = s > RANK * s.max(axis=1, keepdims=True)
        left = left * keep[:, None, :]
        half = np.swapaxes(right, 1, 2) * np.where(keep, 1 / np.where(keep, s, 1.0), 0.0)[:, None, :]
        half /= np.swapaxes(scale, 1, 2)
        projected = np.swapaxes(left, 1, 2) @ B
        coefficients[levels] = half @ projected
        covariance[levels] = half @ np.swapaxes(half, 1, 2)
        told[levels] = (right**2 * keep[:, :, None]).sum(axis=1) > 1 - RANK
        rest[rows] = B - left @ projected
        rank += int(keep.sum())
    return Own(coefficients, covariance, told, rest, rank)


def _cleaned(rest: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Columns of which nothing but rounding error is left become zero."""
    size, was = np.abs(rest).max(axis=0, initial=0.0), np.abs(before).max(axis=0, initial=0.0)
    return np.where(size <= RANK * was, 0.0, rest)


def _constant(X: np.ndarray) -> np.ndarray:
    """k (p,) with X k = 1; zero where X has no constant."""
    one = np.ones(X.shape[0])
    k = np.linalg.lstsq(X, one, rcond=None)[0] if X.shape[1] else np.zeros(0)
    return np.where(np.abs(k) > RANK, k, 0.0) if np.abs(X @ k - one).max() < 1e-8 else np.zeros(X.shape[1])
