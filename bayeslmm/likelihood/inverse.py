"""The selected inverse: the blocks of M^-1 on the pattern of A (Takahashi's recursion).

With `M = L L'`, the rows of a lead term t satisfy, for everything that comes after it,

    [M^-1]_t,rest = Q [M^-1]_rest,rest,    [M^-1]_tt = (L_t L_t')^-1 + [M^-1]_t,rest Q',    Q = -L_t^-T R_t,

and, level by level, both sides only need blocks on the pattern. With X among the rest it is the inverse that REML and
the variances of predictions need; without X the one of Z alone, for ML and conditional variances.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack

from bayeslmm.likelihood import smallblocks as sb
from bayeslmm.likelihood.kernel import Factor, sparse_rows
from bayeslmm.likelihood.symbolic import Structure

ROWS = 1 << 22


@dataclass(frozen=True, slots=True)
class SelectedInverse:
    """Blocks of M^-1.

    Attributes
    ----------
    diag
        Per term: (k, k, J).
    chain
        (t, s) nested: (k_t, k_s, J_t).
    cross
        (t, s) crossed: (k_t, k_s, nnz).
    fixed
        Per term: (k, p, J), with X; (k, 0, J) without.
    corner
        (p, p): the block of X, or (0, 0).
    """

    diag: tuple[np.ndarray, ...]
    chain: dict[tuple[int, int], np.ndarray]
    cross: dict[tuple[int, int], np.ndarray]
    fixed: tuple[np.ndarray, ...]
    corner: np.ndarray


def selected_inverse(factor: Factor, structure: Structure, with_X: bool) -> SelectedInverse:
    """Invert M = L L' on the pattern of A.

    Parameters
    ----------
    factor, structure
        The factorisation and its pattern.
    with_X
        Invert the matrix of (Z, X); without it the one of Z alone.
    """
    q = structure.q_tail
    size = factor.L_tail.shape[0] if with_X else q
    T = _inverse_from_cholesky(factor.L_tail[:size, :size])
    diag: dict[int, np.ndarray] = {}
    chain: dict[tuple[int, int], np.ndarray] = {}
    cross: dict[tuple[int, int], np.ndarray] = {}
    fixed: dict[int, np.ndarray] = {}
    _read_tail(T, structure, diag, cross, fixed)
    for position in reversed(range(len(structure.lead))):
        t, later = structure.lead[position], structure.lead[position + 1 :]
        _lead_rows(t, later, factor, structure, T, diag, chain, cross, fixed)
    terms = range(len(structure.J))
    return SelectedInverse(tuple(diag[t] for t in terms), chain, cross, tuple(fixed[t] for t in terms), T[q:, q:])


def _inverse_from_cholesky(L: np.ndarray) -> np.ndarray:
    if not L.size:
        return np.zeros_like(L)
    lower, info = lapack.dpotri(L, lower=1)
    if info != 0:
        raise np.linalg.LinAlgError("the tail of the Cholesky factor is singular")
    return np.tril(lower) + np.tril(lower, -1).T


def _read_tail(
    T: np.ndarray,
    structure: Structure,
    diag: dict[int, np.ndarray],
    cross: dict[tuple[int, int], np.ndarray],
    fixed: dict[int, np.ndarray],
) -> None:
    q = structure.q_tail
    for a, r in enumerate(structure.tail):
        own = structure.tail_columns(r, np.arange(structure.J[r]))
        diag[r] = T[own[:, None], own[None]]
        fixed[r] = np.moveaxis(T[own, q:], 2, 1)
        for s in structure.tail[a + 1 :]:
            pairs = structure.pairs[r, s]
            first, second = structure.tail_columns(r, pairs.first), structure.tail_columns(s, pairs.second)
            cross[r, s] = T[first[:, None], second[None]]


def _lead_rows(
    t: int,
    later: tuple[int, ...],
    factor: Factor,
    structure: Structure,
    T: np.ndarray,
    diag: dict[int, np.ndarray],
    chain: dict[tuple[int, int], np.ndarray],
    cross: dict[tuple[int, int], np.ndarray],
    fixed: dict[int, np.ndarray],
) -> None:
    """Fill in the blocks in the rows of lead term t."""
    L_inv, J, parent, pairs = factor.L_inv[t], structure.J, structure.parent, structure.pairs
    p = T.shape[0] - structure.q_tail
    up = {s: -sb.multiply_t(L_inv, factor.R_chain[t, s]) for s in later}
    side = {r: -sb.multiply_t(L_inv[:, :, pairs[t, r].first], factor.R_cross[t, r]) for r in structure.tail}
    own = -sb.multiply_t(L_inv, factor.R_fixed[t][:, :p])

    to_tail, to_X = _through_tail(t, side, own, structure, T)
    for s in later:
        to_X = to_X + sb.multiply(up[s], fixed[s][:, :, parent[t, s]])
        for r in structure.tail:
            at = pairs[t, r].first
            to_tail[r] = to_tail[r] + sb.multiply(up[s][:, :, at], cross[s, r][:, :, structure.up[t, s, r]])

    diag[t] = sb.multiply_t(L_inv, L_inv) + np.einsum("apj,bpj->abj", to_X, own)
    for r in structure.tail:
        cross[t, r] = to_tail[r]
        diag[t] += sb.sum_by(pairs[t, r].first, J[t], np.einsum("acj,bcj->abj", to_tail[r], side[r]))
    fixed[t] = to_X
    for s in later:
        chain[t, s] = _to_ancestor(t, s, later, structure, up, side, own, diag, chain, cross, fixed)
        diag[t] += np.einsum("acj,bcj->abj", chain[t, s], up[s])


def _through_tail(
    t: int, side: dict[int, np.ndarray], own: np.ndarray, structure: Structure, T: np.ndarray
) -> tuple[dict[int, np.ndarray], np.ndarray]:
    """Q_t,(tail X) T, read where the pattern of t needs it; dense rows are made a few at a time."""
    q, k, J = structure.q_tail, structure.k[t], structure.J[t]
    p = T.shape[0] - q
    if q == 0:
        return {}, np.einsum("apj,px->axj", own, T)
    Q = sparse_rows(t, {(t, r): block for r, block in side.items()}, structure)
    out = {r: np.empty_like(block) for r, block in side.items()}
    to_X = np.empty((k, p, J))
    step = max(1, ROWS // T.shape[0])
    for a in range(k):
        for start in range(0, J, step):
            levels = slice(start, min(start + step, J))
            rows = Q[a * J + levels.start : a * J + levels.stop] @ T[:q] + own[a][:, levels].T @ T[q:]
            to_X[a, :, levels] = rows[:, q:].T
            for r in structure.tail:
                pairs = structure.pairs[t, r]
                lo, hi = np.searchsorted(pairs.first, [levels.start, levels.stop])
                columns = structure.tail_columns(r, pairs.second[lo:hi])
                out[r][a, :, lo:hi] = rows[pairs.first[lo:hi] - start, columns]
    return out, to_X


def _to_ancestor(
    t: int,
    s: int,
    later: tuple[int, ...],
    structure: Structure,
    up: dict[int, np.ndarray],
    side: dict[int, np.ndarray],
    own: np.ndarray,
    diag: dict[int, np.ndarray],
    chain: dict[tuple[int, int], np.ndarray],
    cross: dict[tuple[int, int], np.ndarray],
    fixed: dict[int, np.ndarray],
) -> np.ndarray:
    """[M^-1]_ts for each level of t and the level of s that it lies in, (k_t, k_s, J_t)."""
    J, parent = structure.J, structure.parent
    out = np.einsum("apj,bpj->abj", own, fixed[s][:, :, parent[t, s]])
    for r in structure.tail:
        block = cross[s, r][:, :, structure.up[t, s, r]]
        out += sb.sum_by(structure.pairs[t, r].first, J[t], np.einsum("acj,bcj->abj", side[r], block))
    for i in later:
        if i == s:
            out += sb.multiply(up[s], diag[s][:, :, parent[t, s]])
        elif (i, s) in parent:
            out += sb.multiply(up[i], chain[i, s][:, :, parent[t, i]])
        else:
            out += np.einsum("acj,bcj->abj", up[i], chain[s, i][:, :, parent[t, s]])
    return out
