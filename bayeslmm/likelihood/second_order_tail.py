"""The dense end of `second_order`: the terms that cross the nested ones, with X and y.

The terms are absorbed together. With K = Z'V^-1 Z and Q = Z'V^-1 [X y] of these terms, functions of the parameters i
of the nested ones, T = (I + G K)^-1, D = T G, R = K T, v = D Q, w = T'Q and e_i = Q_i - K_i v,

    N = N - Q'v,    N_i = N_i - Q_i'v - v'Q_i + v'K_i v,    N_a = -w'E_a w,
    N_ij = N_ij - Q_ij'v - v'Q_ij + v'K_ij v - e_i'D e_j - e_j'D e_i,
    N_ia = -e_i'T E_a w - w'E_a T'e_i,    N_ab = w'(E_a R E_b + E_b R E_a) w,

and for log|I + G K|: tr(D K_i), tr(R E_a), tr(D K_ij) - tr(D K_i D K_j), tr(E_a T'K_i T), -tr(R E_a R E_b).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack
from scipy.sparse import csr_array

from bayeslmm.likelihood.jet import Jet, pairs, stack
from bayeslmm.likelihood.kernel import sparse_rows
from bayeslmm.likelihood.symbolic import Structure

type Rows = tuple[dict[int, Jet], Jet]


@dataclass(frozen=True, slots=True)
class TailTerm:
    """One crossed term: first column `offset`, J levels of k effects; parameters E (m, k, k) at G (k, k)."""

    offset: int
    J: int
    k: int
    E: np.ndarray
    G: np.ndarray

    @property
    def columns(self) -> slice:
        """Its columns in the dense matrix."""
        return slice(self.offset, self.offset + self.J * self.k)

    def rows(self, M: np.ndarray) -> np.ndarray:
        """Its rows of M (q, c), by level: (J, k, c)."""
        return M[self.columns].reshape(self.J, self.k, -1)


def absorb_tail(dense: Jet, terms: Sequence[TailTerm], q: int, log_det: Jet) -> tuple[Jet, Jet]:
    """Return [X y]'V^-1[X y] and log|V| once the crossed terms are absorbed."""
    K, Q, N = (dense.block(*corner) for corner in _corners(q))
    G = _block_diagonal(terms, [t.G for t in terms], q)
    T = _inverse(np.eye(q) + G @ K.value)
    D, R = T @ G, K.value @ T
    v, w = D @ Q.value, T.T @ Q.value
    i, j = pairs(dense.s)
    e = Q.first - K.first @ v
    first = _plus_transposed(-v.T @ Q.first) + v.T @ (K.first @ v) + N.first
    second = _plus_transposed(-v.T @ Q.second) + v.T @ (K.second @ v) + N.second
    second = second - _plus_transposed(np.swapaxes(e, -1, -2)[i] @ (D @ e[j]))
    Ew, own = _own(terms, R, w)
    mixed = -_plus_transposed(np.swapaxes(T.T @ e, -1, -2)[:, None] @ Ew[None])
    out = stack(Jet(N.value - Q.value.T @ v, first, second), mixed, -w.T @ Ew, own)
    return out, log_det.minus(_log_det(terms, K, T, D, R).map(np.negative))


def _corners(q: int) -> tuple[tuple[slice, slice], ...]:
    head, rest = slice(0, q), slice(q, None)
    return (head, head), (head, rest), (rest, rest)


def _plus_transposed(M: np.ndarray) -> np.ndarray:
    return M + np.swapaxes(M, -1, -2)


def _inverse(M: np.ndarray) -> np.ndarray:
    lu, pivots, failed = lapack.dgetrf(M)
    if not failed:
        inverse, failed = lapack.dgetri(lu, pivots)
    if failed:
        raise np.linalg.LinAlgError("I + G K of the crossed terms is singular")
    return inverse


def _block_diagonal(terms: Sequence[TailTerm], blocks: Sequence[np.ndarray], q: int) -> np.ndarray:
    out = np.zeros((q, q))
    for term, block in zip(terms, blocks, strict=True):
        out[term.columns, term.columns] = np.kron(np.eye(term.J), block)
    return out


def _own(terms: Sequence[TailTerm], R: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """E_a w (m, q, c) and w'(E_a R E_b + E_b R E_a) w (m, m, c, c) of all parameters of the crossed terms."""
    Ew = []
    for term in terms:
        for E in term.E:
            full = np.zeros_like(w)
            full[term.columns] = np.einsum("ab,lbc->lac", E, term.rows(w)).reshape(-1, w.shape[1])
            Ew.append(full)
    stacked = np.array(Ew)
    own = np.swapaxes(stacked, -1, -2)[:, None] @ (R @ stacked)[None]
    return stacked, _plus_transposed(own)


def _log_det(terms: Sequence[TailTerm], K: Jet, T: np.ndarray, D: np.ndarray, R: np.ndarray) -> Jet:
    """Derivatives of log|I + G K|."""
    i, j = pairs(K.s)
    DK = D @ K.first
    second = np.einsum("ab,xab->x", D, K.second) - np.einsum("xab,xba->x", DK[i], DK[j])
    old = Jet(np.zeros(()), np.einsum("xaa->x", DK), second)
    KT = K.first @ T
    mixed = np.concatenate([_traces(term, T, KT) for term in terms], axis=1)
    first = np.concatenate([np.einsum("xab,lalb->x", term.E, _blocks(R, term, term)) for term in terms])
    own = np.block([[_pair(R, a, b) for b in terms] for a in terms])
    return stack(old, mixed, first, own)


def _traces(term: TailTerm, T: np.ndarray, KT: np.ndarray) -> np.ndarray:
    """tr(E_a T'K_i T): (s, m)."""
    left = T[:, term.columns].reshape(-1, term.J, term.k)
    right = KT[:, :, term.columns].reshape(KT.shape[0], -1, term.J, term.k)
    return np.einsum("yab,xab->xy", term.E, np.einsum("qla,xqlb->xab", left, right))


def _blocks(R: np.ndarray, a: TailTerm, b: TailTerm) -> np.ndarray:
    return R[a.columns, b.columns].reshape(a.J, a.k, b.J, b.k)


def _pair(R: np.ndarray, a: TailTerm, b: TailTerm) -> np.ndarray:
    """-tr(R E_x R E_y) for x in term a, y in term b: (m_a, m_b)."""
    flat = np.transpose(_blocks(R, a, b), (1, 3, 0, 2)).reshape(a.k * b.k, -1)
    gram = (flat @ flat.T).reshape(a.k, b.k, a.k, b.k)
    return -np.einsum("abcd,xac,ybd->xy", gram, a.E, b.E)


def rows_product(structure: Structure, t: int, left: Rows, right: Rows) -> Jet:
    """A'B for rows of lead term t towards (tail, X, y): (q_tail + p + 1, q_tail + p + 1), sparse in the tail."""
    s, shared = right[1].s, left[1].s
    A, B = _Sparse(structure, t, *left), _Sparse(structure, t, *right)
    value = A.times(B, "value", 0, "value", 0)
    first = np.zeros((s, *value.shape))
    i, j = pairs(s)
    second = np.zeros((i.size, *value.shape))
    for a in range(s):
        first[a] = A.times(B, "value", 0, "first", a)
        if a < shared:
            first[a] += A.times(B, "first", a, "value", 0)
    for c, (a, b) in enumerate(zip(i.tolist(), j.tolist(), strict=True)):
        second[c] = A.times(B, "value", 0, "second", c)
        if a < shared:
            second[c] += A.times(B, "first", a, "first", b)
        if b < shared:
            second[c] += A.times(B, "first", b, "first", a) + A.times(B, "second", c, "value", 0)
    return Jet(value, first, second)


class _Sparse:
    """Rows of a lead term: each derivative as a sparse matrix for the tail and a dense one for X and y."""

    def __init__(self, structure: Structure, t: int, cross: dict[int, Jet], fixed: Jet):
        self.structure, self.t, self.cross, self.fixed = structure, t, cross, fixed
        self.made: dict[tuple[str, int], tuple[csr_array, np.ndarray]] = {}

    def part(self, kind: str, index: int) -> tuple[csr_array, np.ndarray]:
        """The sparse (k J, q_tail) and the dense (k J, p + 1) matrix of one derivative."""
        if (kind, index) not in self.made:

            def pick(jet: Jet) -> np.ndarray:
                array: np.ndarray = getattr(jet, kind)
                return array if kind == "value" else array[index]

            rows = sparse_rows(self.t, {(self.t, r): pick(Q) for r, Q in self.cross.items()}, self.structure)
            F = pick(self.fixed)
            self.made[kind, index] = rows, np.moveaxis(F, 1, 2).reshape(-1, F.shape[1])
        return self.made[kind, index]

    def times(self, other: "_Sparse", kind: str, index: int, other_kind: str, other_index: int) -> np.ndarray:
        """The transpose of one derivative times another of the other rows."""
        A, F = self.part(kind, index)
        B, H = other.part(other_kind, other_index)
        return np.block([[(A.T @ B).toarray(), A.T @ H], [(B.T @ F).T, F.T @ H]])
