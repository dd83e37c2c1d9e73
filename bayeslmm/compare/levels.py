"""Least squares of each level by itself: no pooling.

A level's rows may not tell all coefficients apart: those of a predictor that is constant in the level, say, or of an
interaction with such a predictor. Among all least-squares solutions the one is taken whose coefficients without random
effects deviate least from given values (in units of the fit: each times the length of its column), so that what the
level can say goes to the coefficients that vary between levels. With X = U S V' on the level's rows, N a basis of the
null space of X, f the coefficients without random effects and D their columns' lengths,

    beta = held + (I - N (D N_f)^+ D E_f) X^+ (y - X held).
"""

from dataclasses import dataclass

import numpy as np

from bayeslmm.design import Design, RandomTerm

RANK = 1e-9


@dataclass(frozen=True, slots=True)
class Alone:
    """What each level says by itself.

    Attributes
    ----------
    coefficients
        (J, c): one least-squares solution per level; NaN for coefficients with random effects that it cannot tell.
    estimate, se
        (J, c): the same and its standard errors; NaN for all coefficients that the level's rows do not determine.
    """

    coefficients: np.ndarray
    estimate: np.ndarray
    se: np.ndarray


def alone(design: Design, term: RandomTerm, X: np.ndarray, varying: np.ndarray, held: np.ndarray) -> Alone:
    """Fit each level.

    Parameters
    ----------
    X
        (n, c): the columns that multiply the coefficients of a level.
    varying
        (c,): which coefficients have random effects.
    held
        (c,): values of the others to fall back on.
    """
    y, w = design.y_net, design.weights
    coefficients, estimate, se = np.full((3, term.n_levels, X.shape[1]), np.nan)
    for levels, rows in of_one_size(term.index, term.n_levels):
        full, beta, errors = _of_full_rank(X[rows], y[rows], w[rows])
        coefficients[levels] = estimate[levels] = beta
        se[levels] = errors
        for level, own in zip(levels[~full], rows[~full], strict=True):
            found = least_squares(X[own], y[own], w[own], varying, held)
            coefficients[level], estimate[level], se[level] = found
    return Alone(coefficients, estimate, se)


def of_one_size(index: np.ndarray, J: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Levels (G,) and their rows (G, size), for each number of rows that a level has."""
    order = np.argsort(index, kind="stable")
    sizes = np.bincount(index, minlength=J)
    first = np.cumsum(sizes) - sizes
    found = []
    for size in np.unique(sizes):
        levels = np.flatnonzero(sizes == size)
        found.append((levels, order[first[levels][:, None] + np.arange(size)]))
    return found


def _of_full_rank(X: np.ndarray, y: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which of G regressions X (G, n, c), y (G, n) are of full rank (G,); their coefficients and errors (G, c)."""
    G, n, c = X.shape
    if n < c or c == 0:
        return np.zeros(G, dtype=bool), np.full((G, c), np.nan), np.full((G, c), np.nan)
    root = np.sqrt(weights)
    A, target = X * root[:, :, None], y * root
    length = np.linalg.norm(A, axis=1)
    scale = np.where(length > 0, length, 1.0)
    left, s, right = np.linalg.svd(A / scale[:, None, :], full_matrices=False)
    full = (s > RANK * s.max(axis=1, keepdims=True)).all(axis=1)
    half = np.swapaxes(right, 1, 2) / np.where(full[:, None], s, 1.0)[:, None, :] / scale[:, :, None]
    beta = np.einsum("gck,gnk,gn->gc", half, left, target, optimize=True)
    rest = target - np.einsum("gnc,gc->gn", A, beta)
    sigma = np.sqrt((rest**2).sum(axis=1) / (n - c)) if n > c else np.full(G, np.nan)
    return full, beta, sigma[:, None] * np.linalg.norm(half, axis=2)


def least_squares(
    X: np.ndarray, y: np.ndarray, weights: np.ndarray, varying: np.ndarray, held: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return coefficients, estimates and standard errors (c,) as in `Alone`, for X (n, c) and y (n,)."""
    root = np.sqrt(weights)
    A = X * root[:, None]
    length = np.linalg.norm(A, axis=0)
    scale = np.where(length > 0, length, 1.0)
    left, s, right = np.linalg.svd(A / scale, full_matrices=A.shape[0] < A.shape[1])
    rank = int((s > RANK * s.max(initial=0.0)).sum())
    null, free = right[rank:].T, ~varying
    pseudo = (right[:rank].T / s[:rank]) @ left[:, :rank].T
    correction = null @ np.linalg.pinv(null[free], rcond=RANK) @ pseudo[free] if free.any() else 0.0
    G = pseudo - correction
    residual = root * y - A @ held
    coefficients = held + (G @ residual) / scale
    rest = root * y - A @ coefficients
    sigma = np.sqrt(rest @ rest / (y.size - rank)) if y.size > rank else np.nan
    se = sigma * np.linalg.norm(G, axis=1) / scale
    determined = (null**2).sum(axis=1) < RANK
    told = determined | (varying & _unmoved(null, free))
    coefficients = np.where(varying & ~told, np.nan, coefficients)
    return coefficients, np.where(told, coefficients, np.nan), np.where(told, se, np.nan)


def _unmoved(null: np.ndarray, free: np.ndarray) -> np.ndarray:
    """(c,): which coefficients do not move in the directions of the null space that leave the free ones alone."""
    if not null.shape[1]:
        return np.ones(null.shape[0], dtype=bool)
    _, s, right = np.linalg.svd(null[free], full_matrices=True)
    rank = int((s > RANK * max(1.0, s.max(initial=0.0))).sum())
    return ((null @ right[rank:].T) ** 2).sum(axis=1) < RANK
