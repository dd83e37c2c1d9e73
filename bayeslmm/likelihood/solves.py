"""Solving with M = L L' for right-hand sides other than y: for single rows, and for many responses at once.

With c = (Lambda'z, T'x) the coordinates of a row in (u, gamma), `c'M^-1 c = |L^-1 c|^2` is the variance, in units of
sigma^2, of the error of predicting x'beta + z'b (Henderson 1975), and for a row that was fitted, times its weight, its
leverage (Demidenko & Stukel 2005; as lme4's `hatvalues`). A row meets one level of each factor, so that the forward
solve passes through that level's ancestors and the tail only.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular
from scipy.sparse import csr_array

from bayeslmm.likelihood import smallblocks as sb
from bayeslmm.likelihood.kernel import Factor, sparse_rows
from bayeslmm.likelihood.symbolic import Structure

CHUNK = 1 << 22  # numbers in one dense piece of work


@dataclass(frozen=True, slots=True)
class RowSolves:
    """L^-1 c of m rows, as far as it is needed.

    Attributes
    ----------
    squares
        (m,): |L^-1 c|^2 = c'M^-1 c.
    fixed
        (m, p): L_X^-T times the part of L^-1 c that belongs to X, which is c'M^-1 in the columns of gamma.
    """

    squares: np.ndarray
    fixed: np.ndarray


def solve_rows(
    factor: Factor, structure: Structure, Z: Sequence[np.ndarray], index: Sequence[np.ndarray], XT: np.ndarray
) -> RowSolves:
    """Solve for rows that meet at most one level of each term.

    Parameters
    ----------
    factor, structure
        The factorisation and its pattern.
    Z
        Per term (m, k).
    index
        Per term (m,): the level, or -1 where the term's effects are left out.
    XT
        (m, p): the fixed part's columns in the basis of the likelihood.
    """
    m, p = XT.shape
    squares, fixed = np.empty(m), np.empty((m, p))
    consistent = _consistent(structure, index)
    step = max(1, CHUNK // max(1, structure.q_tail + p))
    for rows in _pieces(np.flatnonzero(consistent), step):
        squares[rows], fixed[rows] = _along_the_chain(
            factor, structure, [z[rows] for z in Z], [i[rows] for i in index], XT[rows]
        )
    step = max(1, CHUNK // max(1, sum(k * J for k, J in zip(structure.k, structure.J, strict=True)) + p))
    for rows in _pieces(np.flatnonzero(~consistent), step):
        squares[rows], fixed[rows] = _written_out(
            factor, structure, [z[rows] for z in Z], [i[rows] for i in index], XT[rows]
        )
    return RowSolves(squares, fixed)


def apply_inverse(
    factor: Factor, structure: Structure, by_term: Sequence[np.ndarray], by_X: np.ndarray
) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """M^-1 times N right-hand sides at once.

    Parameters
    ----------
    factor, structure
        The factorisation and its pattern.
    by_term
        Per term (k, J, N).
    by_X
        (p, N).

    Returns
    -------
    u, gamma
        Per term (k, J, N), and (p, N).
    """
    v, tail = _forward(factor, structure, by_term, by_X)
    q, N = structure.q_tail, by_X.shape[1]
    x = solve_triangular(factor.L_tail, tail, lower=True, trans="T") if tail.size else tail
    u: dict[int, np.ndarray] = {}
    for r in structure.tail:
        start = structure.offset[r]
        block = x[start : start + structure.k[r] * structure.J[r]]
        u[r] = np.swapaxes(block.reshape(structure.J[r], structure.k[r], N), 0, 1)
    for position in reversed(range(len(structure.lead))):
        t = structure.lead[position]
        rest = v[t] - np.einsum("apj,pn->ajn", factor.R_fixed[t][:, :-1], x[q:])
        for s in structure.lead[position + 1 :]:
            rest -= np.einsum("abj,bjn->ajn", factor.R_chain[t, s], u[s][:, structure.parent[t, s]])
        if q:
            rest -= (_towards_tail(t, factor, structure) @ x[:q]).reshape(rest.shape)
        u[t] = np.einsum("baj,bjn->ajn", factor.L_inv[t], rest)
    return tuple(u[t] for t in range(len(structure.J))), x[q:]


def _forward(
    factor: Factor, structure: Structure, by_term: Sequence[np.ndarray], by_X: np.ndarray
) -> tuple[dict[int, np.ndarray], np.ndarray]:
    """L^-1 times N right-hand sides: per lead term (k, J, N), and the tail with X (q_tail + p, N)."""
    q, N, lead = structure.q_tail, by_X.shape[1], structure.lead
    left = {t: by_term[t] for t in lead}
    tail = np.empty((q + by_X.shape[0], N))
    tail[q:] = by_X
    for r in structure.tail:
        start, size = structure.offset[r], structure.k[r] * structure.J[r]
        tail[start : start + size] = np.swapaxes(by_term[r], 0, 1).reshape(size, N)
    v: dict[int, np.ndarray] = {}
    for position, t in enumerate(lead):
        v[t] = np.einsum("abj,bjn->ajn", factor.L_inv[t], left[t])
        for s in lead[position + 1 :]:
            passed = np.einsum("abj,ajn->bjn", factor.R_chain[t, s], v[t])
            left[s] = left[s] - _sum_levels(structure.parent[t, s], structure.J[s], passed)
        tail[q:] -= np.einsum("apj,ajn->pn", factor.R_fixed[t][:, :-1], v[t])
        if q:
            tail[:q] -= _towards_tail(t, factor, structure).T @ v[t].reshape(-1, N)
    return v, solve_triangular(factor.L_tail, tail, lower=True) if tail.size else tail


def _written_out(
    factor: Factor, structure: Structure, Z: Sequence[np.ndarray], index: Sequence[np.ndarray], XT: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The same as `_along_the_chain` for rows whose levels were never nested in each other."""
    m = XT.shape[0]
    rows, by_term = np.arange(m), []
    for L, z, i, k, J in zip(factor.lambdas, Z, index, structure.k, structure.J, strict=True):
        block = np.zeros((k, J, m))
        known = i >= 0
        block[:, i[known], rows[known]] = (z[known] @ L).T
        by_term.append(block)
    v, tail = _forward(factor, structure, by_term, XT.T)
    squares = sum((np.einsum("ajn,ajn->n", x, x) for x in v.values()), start=np.einsum("qn,qn->n", tail, tail))
    return squares, _back_through_X(factor, structure, tail)


def _along_the_chain(
    factor: Factor, structure: Structure, Z: Sequence[np.ndarray], index: Sequence[np.ndarray], XT: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """`squares` and `fixed` of rows whose levels are nested as those of the fit."""
    m, q = XT.shape[0], structure.q_tail
    c = [np.where((i >= 0)[:, None], z @ L, 0.0) for z, L, i in zip(Z, factor.lambdas, index, strict=True)]
    tail = np.zeros((q + XT.shape[1], m))
    tail[q:] = XT.T
    for r in structure.tail:
        known = np.flatnonzero(index[r] >= 0)
        tail[structure.tail_columns(r, index[r][known]), known] = c[r][known].T
    squares, levels = np.zeros(m), _levels(structure, index)
    for position, t in enumerate(structure.lead):
        known = np.flatnonzero(levels[t] >= 0)
        at = levels[t][known]
        v = np.einsum("abj,jb->ja", factor.L_inv[t][:, :, at], c[t][known])
        squares[known] += np.einsum("ja,ja->j", v, v)
        for s in structure.lead[position + 1 :]:
            c[s][known] -= np.einsum("abj,ja->jb", factor.R_chain[t, s][:, :, at], v)
        tail[q:, known] -= np.einsum("apj,ja->pj", factor.R_fixed[t][:, :-1, at], v)
        if q:
            k, J = structure.k[t], structure.J[t]
            columns = (np.arange(k) * J + at[:, None]).ravel()
            chosen = csr_array((v.ravel(), columns, np.arange(known.size + 1) * k), shape=(known.size, k * J))
            tail[:q, known] -= (chosen @ _towards_tail(t, factor, structure)).toarray().T
    if tail.size:
        tail = solve_triangular(factor.L_tail, tail, lower=True)
    return squares + np.einsum("qn,qn->n", tail, tail), _back_through_X(factor, structure, tail)


def _back_through_X(factor: Factor, structure: Structure, tail: np.ndarray) -> np.ndarray:
    q = structure.q_tail
    L_X = factor.L_tail[q:, q:]
    return solve_triangular(L_X, tail[q:], lower=True, trans="T").T if L_X.size else tail[q:].T


def _towards_tail(t: int, factor: Factor, structure: Structure) -> csr_array:
    return sparse_rows(t, {(t, r): factor.R_cross[t, r] for r in structure.tail}, structure)


def _sum_levels(parent: np.ndarray, J: int, B: np.ndarray) -> np.ndarray:
    """Sum B (k, J_t, N) over the levels that lie in each of J: (k, J, N)."""
    k, _, N = B.shape
    return np.moveaxis(sb.sum_by(parent, J, np.moveaxis(B, 1, 2)), 2, 1).reshape(k, J, N)


def _levels(structure: Structure, index: Sequence[np.ndarray]) -> dict[int, np.ndarray]:
    """Per lead term (m,): the level that a row meets, itself or as an ancestor of a finer one; -1 for none."""
    levels: dict[int, np.ndarray] = {}
    for position, s in enumerate(structure.lead):
        level = index[s].copy()
        for t in structure.lead[:position]:
            inherited = (level < 0) & (levels[t] >= 0)
            level[inherited] = structure.parent[t, s][levels[t][inherited]]
        levels[s] = level
    return levels


def _consistent(structure: Structure, index: Sequence[np.ndarray]) -> np.ndarray:
    """(m,) bool: whether the levels of the lead terms are nested in each other as they were when fitted."""
    levels = _levels(structure, index)
    good = np.ones(index[0].size if index else 0, dtype=bool)
    for (t, s), parent in structure.parent.items():
        known = (levels[t] >= 0) & (levels[s] >= 0)
        good[known] &= parent[levels[t][known]] == levels[s][known]
    return good


def _pieces(rows: np.ndarray, step: int) -> list[np.ndarray]:
    return [rows[start : start + step] for start in range(0, rows.size, step)]
