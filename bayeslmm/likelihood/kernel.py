"""The blocked Cholesky factor.

    M = Lambda' A Lambda + diag(I_q, 0),    A = [Z X y]'W[Z X y],

off which log-determinants, the penalised residual sum of squares and the solutions for (u, beta) are read
(Bates et al. 2015, section 3.4). Lead terms are eliminated level by level, the tail with X and y as one dense matrix.
`L` follows the order lead, tail, X, y; of a lead term t it holds the diagonal blocks `L[t]` and, in the rows of t, the
blocks `R = L^-1 M` towards its ancestors, the tail, X and y.

Lambda need not be triangular: any square factor per term gives the same criterion.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cholesky as dense_cholesky
from scipy.linalg import solve_triangular
from scipy.sparse import csr_array

from bayeslmm.likelihood import smallblocks as sb
from bayeslmm.likelihood.crossprod import CrossProducts
from bayeslmm.likelihood.symbolic import Structure


@dataclass(frozen=True, slots=True)
class Factor:
    """The Cholesky factor of M and what is read off it.

    Attributes
    ----------
    lambdas
        The factors (k, k) it was made with.
    L_inv
        Lead term -> (k, k, J): inverses of the diagonal blocks.
    R_chain
        (t, s) in lead -> (k_t, k_s, J_t).
    R_cross
        (t, r), lead and tail -> (k_t, k_r, nnz).
    R_fixed
        Lead term -> (k, p + 1, J).
    L_tail
        (q_tail + p, q_tail + p): dense lower triangle for the tail and X.
    l_y
        (q_tail + p,): the row of y.
    log_det_Z
        log|Lambda'Z'WZ Lambda + I|.
    log_det_X
        log|R_X|^2.
    r2
        Penalised residual sum of squares, at the best (u, beta).
    """

    lambdas: tuple[np.ndarray, ...]
    L_inv: dict[int, np.ndarray]
    R_chain: dict[tuple[int, int], np.ndarray]
    R_cross: dict[tuple[int, int], np.ndarray]
    R_fixed: dict[int, np.ndarray]
    L_tail: np.ndarray
    l_y: np.ndarray
    log_det_Z: float
    log_det_X: float
    r2: float


def factorise(A: CrossProducts, structure: Structure, lambdas: Sequence[np.ndarray]) -> Factor:
    """Factorise M for these Lambda_t.

    Raises
    ------
    numpy.linalg.LinAlgError
        M is not numerically positive definite (theta is not finite or far too large).
    """
    lambdas = tuple(lambdas)
    diag, chain, cross, fixed = _scaled(A, structure, lambdas)
    L_inv: dict[int, np.ndarray] = {}
    log_det_Z = 0.0
    for position, t in enumerate(structure.lead):
        L = sb.cholesky(diag[t])
        L_inv[t] = sb.inverse_lower(L)
        log_det_Z += 2 * float(np.log(np.einsum("aaj->aj", L)).sum())
        _solve_rows(t, L_inv[t], structure, chain, cross, fixed)
        _eliminate(t, structure.lead[position + 1 :], structure, diag, chain, cross, fixed)
    S = _rest_of_tail(A, structure, diag, cross, fixed)
    q, p = structure.q_tail, A.p
    L_tail = dense_cholesky(S[:-1, :-1], lower=True, check_finite=True) if q + p else np.zeros((0, 0))
    l_y = solve_triangular(L_tail, S[:-1, -1], lower=True) if q + p else np.zeros(0)
    log_diag = 2 * np.log(np.diag(L_tail))
    lead = structure.lead
    return Factor(
        lambdas,
        L_inv,
        chain,
        {key: cross[key] for key in cross if key[0] in L_inv},
        {t: fixed[t] for t in lead},
        L_tail,
        l_y,
        log_det_Z + float(log_diag[:q].sum()),
        float(log_diag[q:].sum()),
        float(S[-1, -1] - l_y @ l_y),
    )


def solve(factor: Factor, structure: Structure) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """Return the minimisers u, one (k, J) per term, and gamma (p,) of the penalised least squares."""
    q, k, J = structure.q_tail, structure.k, structure.J
    x = solve_triangular(factor.L_tail, factor.l_y, lower=True, trans="T") if factor.l_y.size else factor.l_y
    gamma = x[q:]
    u: dict[int, np.ndarray] = {}
    for r in structure.tail:
        u[r] = x[structure.offset[r] : structure.offset[r] + k[r] * J[r]].reshape(J[r], k[r]).T
    for position in reversed(range(len(structure.lead))):
        t = structure.lead[position]
        rhs = factor.R_fixed[t][:, -1] - np.einsum("apj,p->aj", factor.R_fixed[t][:, :-1], gamma)
        for s in structure.lead[position + 1 :]:
            rhs -= np.einsum("abj,bj->aj", factor.R_chain[t, s], u[s][:, structure.parent[t, s]])
        for r in structure.tail:
            pairs = structure.pairs[t, r]
            values = np.einsum("abj,bj->aj", factor.R_cross[t, r], u[r][:, pairs.second])
            rhs -= sb.sum_by(pairs.first, J[t], values[:, None])[:, 0]
        u[t] = np.einsum("baj,bj->aj", factor.L_inv[t], rhs)
    return tuple(u[t] for t in range(len(J))), gamma


def sparse_rows(t: int, blocks: dict[tuple[int, int], np.ndarray], structure: Structure) -> csr_array:
    """The blocks of lead term t towards the tail as a sparse (k J, q_tail) matrix; row a J + l is effect a, level l."""
    rows, columns, values = [], [], []
    for r in structure.tail:
        pairs, block = structure.pairs[t, r], blocks[t, r]
        row = np.arange(structure.k[t])[:, None, None] * structure.J[t] + pairs.first
        column = structure.tail_columns(r, pairs.second)[None]
        rows.append(np.broadcast_to(row, block.shape).ravel())
        columns.append(np.broadcast_to(column, block.shape).ravel())
        values.append(block.ravel())
    shape = (structure.k[t] * structure.J[t], structure.q_tail)
    return csr_array((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=shape)


def _scaled(
    A: CrossProducts, structure: Structure, lambdas: tuple[np.ndarray, ...]
) -> tuple[list[np.ndarray], dict[tuple[int, int], np.ndarray], dict[tuple[int, int], np.ndarray], list[np.ndarray]]:
    """The blocks of Lambda' A Lambda + I, as new arrays."""
    diag = [sb.between(L, D, L) for L, D in zip(lambdas, A.diag, strict=True)]
    for D in diag:
        np.einsum("aaj->aj", D)[...] += 1.0
    chain = {(t, s): sb.between(lambdas[t], B, lambdas[s]) for (t, s), B in A.chain.items()}
    cross = {(t, s): sb.between(lambdas[t], B, lambdas[s]) for (t, s), B in A.cross.items()}
    fixed = [np.tensordot(L.T, F, axes=1) for L, F in zip(lambdas, A.fixed, strict=True)]
    return diag, chain, cross, fixed


def _solve_rows(
    t: int,
    L_inv: np.ndarray,
    structure: Structure,
    chain: dict[tuple[int, int], np.ndarray],
    cross: dict[tuple[int, int], np.ndarray],
    fixed: list[np.ndarray],
) -> None:
    """Replace the rows of t by R = L^-1 M."""
    for key in chain:
        if key[0] == t:
            chain[key] = sb.multiply(L_inv, chain[key])
    for r in structure.tail:
        cross[t, r] = sb.multiply(L_inv[:, :, structure.pairs[t, r].first], cross[t, r])
    fixed[t] = sb.multiply(L_inv, fixed[t])


def _eliminate(
    t: int,
    later: tuple[int, ...],
    structure: Structure,
    diag: list[np.ndarray],
    chain: dict[tuple[int, int], np.ndarray],
    cross: dict[tuple[int, int], np.ndarray],
    fixed: list[np.ndarray],
) -> None:
    """Subtract what the levels of t contribute to their ancestors (the tail follows in `_rest_of_tail`)."""
    J = structure.J
    for a, s in enumerate(later):
        R, parent = chain[t, s], structure.parent[t, s]
        diag[s] -= sb.sum_by(parent, J[s], sb.multiply_t(R, R))
        for s2 in later[a + 1 :]:
            chain[s, s2] = chain[s, s2] - sb.sum_by(parent, J[s], sb.multiply_t(R, chain[t, s2]))
        for r in structure.tail:
            product = sb.multiply_t(R[:, :, structure.pairs[t, r].first], cross[t, r])
            cross[s, r] = cross[s, r] - sb.sum_by(structure.up[t, s, r], cross[s, r].shape[2], product)
        fixed[s] = fixed[s] - sb.sum_by(parent, J[s], sb.multiply_t(R, fixed[t]))


def dense_tail(
    A: CrossProducts,
    structure: Structure,
    diag: Sequence[np.ndarray],
    cross: Mapping[tuple[int, int], np.ndarray],
    fixed: Sequence[np.ndarray],
) -> np.ndarray:
    """The blocks of (tail, X, y) as one matrix, (q_tail + p + 1, q_tail + p + 1)."""
    q = structure.q_tail
    S = np.zeros((q + A.p + 1, q + A.p + 1))
    S[q:, q:] = A.corner
    for a, r in enumerate(structure.tail):
        own = structure.tail_columns(r, np.arange(structure.J[r]))
        S[own[:, None], own[None]] = diag[r]
        S[own, q:] = np.moveaxis(fixed[r], 1, 2)
        for s in structure.tail[a + 1 :]:
            pairs = structure.pairs[r, s]
            first, second = structure.tail_columns(r, pairs.first), structure.tail_columns(s, pairs.second)
            S[first[:, None], second[None]] = cross[r, s]
            S[second[None], first[:, None]] = cross[r, s]
    S[q:, :q] = S[:q, q:].T
    return S


def _rest_of_tail(
    A: CrossProducts,
    structure: Structure,
    diag: list[np.ndarray],
    cross: dict[tuple[int, int], np.ndarray],
    fixed: list[np.ndarray],
) -> np.ndarray:
    """M for (tail, X, y), less what the lead contributes: (q_tail + p + 1, q_tail + p + 1)."""
    q = structure.q_tail
    S = dense_tail(A, structure, diag, cross, fixed)
    for t in structure.lead:
        F = np.moveaxis(fixed[t], 1, 2).reshape(-1, A.p + 1)
        S[q:, q:] -= F.T @ F
        if q:
            R = sparse_rows(t, cross, structure)
            S[:q, :q] -= (R.T @ R).toarray()
            S[:q, q:] -= R.T @ F
    S[q:, :q] = S[:q, q:].T
    return S
