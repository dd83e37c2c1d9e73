"""Predictive densities of rows and of groups given all other rows, exact for given theta and sigma.

With the precision M of all effects (`arrow`), a row's coordinates c in it, h = w c'M^-1 c and the conditional residual
e = y - c'(u, gamma) at the mode,

    y_i | y_-i, theta, sigma ~ N(y_i - e / (1 - h), sigma^2 / (w (1 - h))),
    y_i | y,    theta, sigma ~ N(y_i - e, sigma^2 (1 + h) / w)           (a new response there)

the first by deletion in least squares (Christensen, Pearson & Johnson 1992, Technometrics 34, 38-45; Vehtari et al.
2016, JMLR 17(103), eq. 34 for Gaussian processes). Only M^-1 between effects that meet in one level is needed. A group
g of the shaft is left out by taking what it tells, U_g, off the head S, of which only its own coordinates change: with
Sigma = S^-1 there, tau the mode of R and [v, v_y; v_y', v_yy] the cross-products U_g about tau,

    -2 log p(y_g | y_-g, theta, sigma) = log|D_g| - log|I - U_g Sigma| + n_g log(2 pi sigma^2) - sum(log w)
                                         + (v_yy + v_y' Sigma (I - U_g Sigma)^-1 v_y) / sigma^2.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bayeslmm.design import RandomTerm
from bayeslmm.likelihood.arrow import Arrow, FixedPart, Given
from bayeslmm.likelihood.arrow_factor import LOG_2PI, Eliminated, eliminate

CHUNK = 1_000_000  # numbers held at once
ALONE = 1e-14


@dataclass(frozen=True, slots=True, eq=False)
class LeftOut:
    """Log predictive densities for S draws.

    Attributes
    ----------
    without
        (S, m): of each row, or group, given all others.
    within
        (m,): log of the mean density over draws of a new row in its place, given all rows; None for groups.
    score
        (S, m): (y - mean) / sd of each row given all others, in single precision; None for groups.
    """

    without: np.ndarray
    within: np.ndarray | None = None
    score: np.ndarray | None = None


def rows_left_out(terms: Sequence[RandomTerm], fixed: FixedPart, given: Given) -> LeftOut:
    """Leave out each row: (S, n)."""
    arrow = best_arrow(terms, fixed)
    S, n = given.sigma.size, fixed.y.size
    without, score = np.empty((S, n)), np.empty((S, n), dtype=np.float32)
    within = np.full(n, -np.inf)
    each = arrow.numbers + 3 * arrow.J * arrow.local**2 + n * (arrow.p + 6)
    for draws in batches(S, each):
        without[draws], some, score[draws] = _rows(arrow, given.part(draws))
        within = np.logaddexp(within, np.logaddexp.reduce(some, axis=0))
    return LeftOut(without, within - np.log(S), score)


def groups_left_out(terms: Sequence[RandomTerm], fixed: FixedPart, given: Given, factor: int) -> LeftOut:
    """Leave out each level of a grouping factor: (S, J)."""
    arrow = Arrow.of(terms, fixed, factor)
    best = best_arrow(terms, fixed)
    if work(arrow) > arrow.J * work(best):
        return _by_subtraction(terms, fixed, given, factor, best.order[0])
    return _on_the_shaft(arrow, given)


def best_arrow(terms: Sequence[RandomTerm], fixed: FixedPart) -> Arrow:
    """The arrow that costs least."""
    sizes = [_size(terms, fixed, t) for t in range(len(terms))]
    return Arrow.of(terms, fixed, int(np.argmin(sizes)))


def work(arrow: Arrow) -> float:
    """Operations of one draw, roughly."""
    D, Q = arrow.A.shape[1], arrow.q + arrow.p
    return 3.0 * arrow.J * (D + 2) ** 3 + float(Q) ** 3


def log_density(terms: Sequence[RandomTerm], fixed: FixedPart, given: Given, shaft: int) -> np.ndarray:
    """Log p(y | theta, sigma) of each draw, (S,)."""
    arrow = Arrow.of(terms, fixed, shaft)
    parts = batches(given.sigma.size, arrow.numbers)
    return np.concatenate([eliminate(arrow, given.part(draws)).log_p for draws in parts])


def _size(terms: Sequence[RandomTerm], fixed: FixedPart, shaft: int) -> float:
    """Work of the arrow with this shaft, before it is made."""
    group, J = terms[shaft].index, terms[shaft].n_levels
    D, Q = float(fixed.X.shape[1]), float(fixed.X.shape[1])
    for t, term in enumerate(terms):
        pairs = np.unique(group * term.n_levels + term.index)
        D += int(np.bincount(pairs // term.n_levels).max()) * term.k
        inside = t == shaft or pairs.size == term.n_levels
        Q += 0 if inside else term.n_levels * term.k
    return 3.0 * J * (D + 3) ** 3 + Q**3


def batches(S: int, each: int) -> list[slice]:
    """Slices of S draws that hold at most `CHUNK` numbers, where a draw needs `each`."""
    step = max(1, CHUNK // max(each, 1))
    return [slice(start, min(start + step, S)) for start in range(0, S, step)]


# -- rows ----------------------------------------------------------------------------------------------------------


def _rows(arrow: Arrow, given: Given) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    at = eliminate(arrow, given)
    inverse, mode = _local_inverse(arrow, at)
    values = arrow.values(given)
    fixed, w = arrow.fixed, arrow.fixed.weights
    e = fixed.y - given.coefficients @ fixed.given.T - _fitted(arrow, mode, values)
    h = w * _squares(arrow, inverse, values)
    free = np.clip(1 - h, ALONE, None)
    variance = (given.sigma**2)[:, None] / w
    without, within = _log_normal(e / free, variance / free), _log_normal(e, variance * (1 + h))
    return without, within, e / np.sqrt(variance * free)


def _local_inverse(arrow: Arrow, at: Eliminated) -> tuple[np.ndarray, np.ndarray]:
    """M^-1 and the mode in the local coordinates of each level: (B, J, c, c) and (B, J, c)."""
    own, c = arrow.own, arrow.local
    head, tau = arrow.gathered_matrix(at.S_inv), arrow.gathered(at.tau)
    back = np.swapaxes(at.L_inv, 2, 3)
    towards = -back @ at.R[..., :-1]
    inverse = np.empty((*head.shape[:2], c, c))
    inverse[..., own:, own:] = head
    inverse[..., :own, own:] = towards @ head
    inverse[..., own:, :own] = np.swapaxes(inverse[..., :own, own:], 2, 3)
    inverse[..., :own, :own] = back @ at.L_inv + inverse[..., :own, own:] @ np.swapaxes(towards, 2, 3)
    own_mode = back @ at.R[..., -1:] + towards @ tau[..., None]
    return inverse, np.concatenate([own_mode[..., 0], tau], axis=2)


def _fitted(arrow: Arrow, mode: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(B, n): c'(u, gamma)."""
    c = arrow.local
    out = mode[:, 0, c - arrow.p :] @ arrow.fixed.X.T
    flat = mode.reshape(mode.shape[0], -1)
    for a in range(arrow.place.shape[1]):
        out += flat.take(arrow.group * c + arrow.place[:, a], axis=1) * values[:, :, a]
    return out


def _squares(arrow: Arrow, inverse: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(B, n): c'M^-1 c, from the inverse (B, J, c, c)."""
    place, X, c = arrow.place, arrow.fixed.X, arrow.local
    start = c - arrow.p
    out = ((X @ inverse[:, 0, start:, start:]) * X).sum(axis=2)
    flat = inverse.reshape(inverse.shape[0], -1)
    for a in range(place.shape[1]):
        row = (arrow.group * c + place[:, a]) * c
        half = values[:, :, a] * flat.take(row + place[:, a], axis=1)
        for b in range(a):
            half += 2 * values[:, :, b] * flat.take(row + place[:, b], axis=1)
        for j in range(arrow.p):
            half += 2 * X[:, j] * flat.take(row + start + j, axis=1)
        out += values[:, :, a] * half
    return out


def _log_normal(e: np.ndarray, variance: np.ndarray) -> np.ndarray:
    return -0.5 * (LOG_2PI + np.log(variance) + e**2 / variance)


# -- groups --------------------------------------------------------------------------------------------------------


def _on_the_shaft(arrow: Arrow, given: Given) -> LeftOut:
    S = given.sigma.size
    out = np.empty((S, arrow.J))
    for draws in batches(S, arrow.numbers + 3 * arrow.J * (arrow.local - arrow.own) ** 2):
        out[draws] = _groups(arrow, given.part(draws))
    return LeftOut(out)


def _groups(arrow: Arrow, given: Given) -> np.ndarray:
    at = eliminate(arrow, given)
    head, tau = arrow.gathered_matrix(at.S_inv), arrow.gathered(at.tau)
    U = at.U[..., :-1, :-1]
    about = np.concatenate([-tau, np.ones((*tau.shape[:2], 1))], axis=2)[..., None]
    v = at.U @ about
    v_yy = (np.swapaxes(about, 2, 3) @ v)[..., 0, 0]
    rest = np.eye(U.shape[2]) - U @ head
    solved = np.linalg.solve(rest, v[..., :-1, :])
    change = v_yy + (np.swapaxes(v[..., :-1, :], 2, 3) @ (head @ solved))[..., 0, 0]
    n_g = np.bincount(arrow.group, minlength=arrow.J)
    log_w = np.bincount(arrow.group, np.log(arrow.fixed.weights), minlength=arrow.J)
    log_det = at.log_det - np.linalg.slogdet(rest)[1] - log_w
    sigma = given.sigma[:, None]
    return -0.5 * (log_det + n_g * (LOG_2PI + 2 * np.log(sigma)) + change / sigma**2)


def _by_subtraction(terms: Sequence[RandomTerm], fixed: FixedPart, given: Given, factor: int, shaft: int) -> LeftOut:
    """Log p(y) - log p(y_-g): for few large groups, whose own effects are many."""
    index, J = terms[factor].index, terms[factor].n_levels
    whole = log_density(terms, fixed, given, shaft)
    out = np.empty((given.sigma.size, J))
    for g in range(J):
        kept = np.flatnonzero(index != g)
        rest = [replace(t, Z=t.Z[kept], index=t.index[kept]) for t in terms]
        out[:, g] = whole - log_density(rest, fixed.part(kept), given, shaft)
    return LeftOut(out)
