"""Second derivatives of the likelihood in the covariance of the random effects, exactly and through the blocks.

    V = W^-1 + sum_t Z_t (I (x) G_t) Z_t',      G_t = sum_a gamma_a E_a

is linear in gamma. All that Satterthwaite's and Kenward & Roger's methods need are the derivatives of log|V| and of

    N = [X y]'V^-1[X y],

because with linear gamma (Kenward & Roger 1997, eqs. 3-5), P_a = dS/dgamma_a, Q_ab + Q_ba = d2S/dgamma_a dgamma_b for
S = X'V^-1 X, and tr(V^-1 V_a V^-1 V_b) = -d2 log|V| / dgamma_a dgamma_b.

The terms are absorbed into V one after the other, finest first: with K = Z'V^-1 Z before a term is absorbed (one k x k
block per level, as all terms absorbed before are nested in it) and Q = Z'V^-1 R towards the rest R,

    log|V| += log|I + G K|,    R'V^-1 R -= Q'D Q,    D = (I + G K)^-1 G,

which is smooth in G, singular G included. With T = (I + G K)^-1 and K depending on the parameters i of earlier terms:

    D_i = -D K_i D,   D_a = T E_a T',   D_ij = D K_i D K_j D + D K_j D K_i D - D K_ij D,
    D_ia = -D K_i D_a - D_a K_i D,      D_ab = -T E_a K T E_b T' - T E_b K T E_a T'.

What crosses the chain of nested terms follows as one dense matrix (`second_order_tail`). Neither the cost nor the
memory grows with the number of rows; both are linear in the number of nested levels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bayeslmm.likelihood import smallblocks as sb
from bayeslmm.likelihood.crossprod import CrossProducts
from bayeslmm.likelihood.jet import Jet, full, pairs, product, stack
from bayeslmm.likelihood.kernel import dense_tail
from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.likelihood.second_order_tail import TailTerm, absorb_tail, rows_product
from bayeslmm.likelihood.symbolic import Structure
from bayeslmm.likelihood.threads import one_blas_thread

MAX_NUMBERS = 3e8  # in the dense part, derivatives included


@dataclass(frozen=True, slots=True)
class SecondOrder:
    """Derivatives in gamma (m,), the entries of the G_t that theta stands for, in the order of theta.

    Attributes
    ----------
    log_det
        (m,) and (m, m): first and second derivatives of log|V|.
    N
        (p + 1, p + 1): [X y]'V^-1[X y], in the basis of the likelihood.
    N_first, N_second
        (m, p + 1, p + 1) and (m, m, p + 1, p + 1).
    gamma
        (m,): where.
    """

    log_det: tuple[np.ndarray, np.ndarray]
    N: np.ndarray
    N_first: np.ndarray
    N_second: np.ndarray
    gamma: np.ndarray


def affordable(likelihood: MarginalLikelihood) -> bool:
    """Whether the dense part with its derivatives fits into memory."""
    structure, covariance = likelihood.structure, likelihood.covariance
    s = sum(t in structure.lead for t, _, _ in covariance.entries)
    size = structure.q_tail + likelihood.p + 1
    return (1 + s + s * (s + 1) / 2) * size**2 < MAX_NUMBERS


def second_order(
    likelihood: MarginalLikelihood, roots: Sequence[np.ndarray], factors: Sequence[np.ndarray]
) -> SecondOrder:
    """Differentiate at G_t = X_t X_t', in a basis of the random effects in which the numbers are of order one.

    Parameters
    ----------
    likelihood
        The data.
    roots
        Per term (k, k): Lambda_t = root_t X_t; the basis is Z_t root_t.
    factors
        Per term (k, c): X_t.
    """
    structure, covariance = likelihood.structure, likelihood.covariance
    E = [basis_matrices(covariance.entries, t, k) for t, k in enumerate(structure.k)]
    G = [X @ X.T for X in factors]
    with one_blas_thread():
        blocks = _Blocks.of(likelihood.A, structure, roots)
        order, log_det = list(structure.lead), Jet.constant(np.zeros(()))
        for position, t in enumerate(structure.lead):
            log_det = _absorb(blocks, t, structure.lead[position + 1 :], E[t], G[t], log_det)
        if structure.tail:
            terms = [TailTerm(structure.offset[r], structure.J[r], structure.k[r], E[r], G[r]) for r in structure.tail]
            order += structure.tail
            blocks.dense, log_det = absorb_tail(blocks.dense, terms, structure.q_tail, log_det)
    return _in_order_of_theta(blocks.dense, log_det, order, covariance.entries, G)


def basis_matrices(entries: Sequence[tuple[int, int, int]], term: int, k: int) -> np.ndarray:
    """E_a (m_t, k, k): the symmetric matrix of each entry (row, column) of one term."""
    own = [(i, j) for t, i, j in entries if t == term]
    E = np.zeros((len(own), k, k))
    for a, (i, j) in enumerate(own):
        E[a, i, j] = E[a, j, i] = 1.0
    return E


def _in_order_of_theta(
    N: Jet, log_det: Jet, order: Sequence[int], entries: Sequence[tuple[int, int, int]], G: Sequence[np.ndarray]
) -> SecondOrder:
    met = [a for t in order for a, entry in enumerate(entries) if entry[0] == t]
    back = np.argsort(met)
    square = np.ix_(back, back)
    return SecondOrder(
        (log_det.first[back], full(log_det.second, log_det.s)[square]),
        N.value,
        N.first[back],
        full(N.second, N.s)[square],
        np.array([G[t][i, j] for t, i, j in entries], dtype=float),
    )


@dataclass(slots=True)
class _Blocks:
    """What is left of [Z X y]'V^-1[Z X y] for the terms not yet absorbed.

    `dense` holds the tail terms, X and y: (q_tail + p + 1, q_tail + p + 1).
    """

    structure: Structure
    diag: dict[int, Jet]
    chain: dict[tuple[int, int], Jet]
    cross: dict[tuple[int, int], Jet]
    fixed: dict[int, Jet]
    dense: Jet

    @classmethod
    def of(cls, A: CrossProducts, structure: Structure, roots: Sequence[np.ndarray]) -> "_Blocks":
        """Before any term is absorbed, V = W^-1."""
        lead = structure.lead
        between = {(t, s): sb.between(roots[t], B, roots[s]) for (t, s), B in A.cross.items()}
        fixed = [np.tensordot(root.T, F, axes=1) for root, F in zip(roots, A.fixed, strict=True)]
        diag = [sb.between(root, D, root) for root, D in zip(roots, A.diag, strict=True)]
        return cls(
            structure,
            {t: Jet.constant(diag[t]) for t in lead},
            {(t, s): Jet.constant(sb.between(roots[t], B, roots[s])) for (t, s), B in A.chain.items()},
            {key: Jet.constant(B) for key, B in between.items() if key[0] in lead},
            {t: Jet.constant(fixed[t]) for t in lead},
            Jet.constant(dense_tail(A, structure, diag, between, fixed)),
        )


def _absorb(blocks: _Blocks, t: int, later: Sequence[int], E: np.ndarray, G: np.ndarray, log_det: Jet) -> Jet:
    """Absorb lead term t: updates what is left, returns log|V|."""
    structure = blocks.structure
    K = blocks.diag.pop(t)
    D, added = absorbed(E, G, K)
    chain = {s: blocks.chain.pop((t, s)) for s in later}
    cross = {r: blocks.cross.pop((t, r)) for r in structure.tail}
    fixed = blocks.fixed.pop(t)
    to_chain = {s: product(_multiply, D, Q) for s, Q in chain.items()}
    to_cross = {r: product(_multiply, D.take(structure.pairs[t, r].first), Q) for r, Q in cross.items()}
    to_fixed = product(_multiply, D, fixed)
    for position, s in enumerate(later):
        parent, J = structure.parent[t, s], structure.J[s]
        blocks.diag[s] = blocks.diag[s].minus(_summed(parent, J, chain[s], to_chain[s]))
        blocks.fixed[s] = blocks.fixed[s].minus(_summed(parent, J, chain[s], to_fixed))
        for s2 in later[position + 1 :]:
            blocks.chain[s, s2] = blocks.chain[s, s2].minus(_summed(parent, J, chain[s], to_chain[s2]))
        for r in structure.tail:
            own = chain[s].take(structure.pairs[t, r].first)
            n_pairs = structure.pairs[s, r].keys.size
            blocks.cross[s, r] = blocks.cross[s, r].minus(_summed(structure.up[t, s, r], n_pairs, own, to_cross[r]))
    if structure.tail:
        outer = rows_product(structure, t, (cross, fixed), (to_cross, to_fixed))
    else:
        outer = product(_over_levels, fixed, to_fixed)
    blocks.dense = blocks.dense.minus(outer)
    return log_det.minus(added.map(np.negative))


def absorbed(E: np.ndarray, G: np.ndarray, K: Jet) -> tuple[Jet, Jet]:
    """D = (I + G K)^-1 G of every level, (k, k, J), and the sum over levels of log|I + G K|.

    Parameters
    ----------
    E, G
        (m, k, k) and (k, k): the parameters of the term and where they are.
    K
        (k, k, J), depending on s parameters; the m of the term come after these.
    """
    k, s = G.shape[0], K.s
    I_GK = np.moveaxis(np.tensordot(G, K.value, axes=1), 2, 0) + np.eye(k)
    T = np.ascontiguousarray(np.moveaxis(1 / I_GK if k == 1 else np.linalg.inv(I_GK), 0, 2))
    D, R = _multiply(T, G[:, :, None]), _multiply(K.value, T)
    TE = _multiply(T, E[..., None])
    D_a = _multiply(TE, _transposed(T))
    RE = _multiply(R, E[..., None])
    own = -_multiply(TE[:, None], _multiply(RE, _transposed(T))[None])
    own = own + _transposed(own)
    log_own = -np.einsum("xabj,ybaj->xy", RE, RE)
    log_first = np.einsum("xaaj->x", RE)
    if s == 0:
        none = np.zeros((0, E.shape[0]))
        value = Jet.constant(D)
        zero = Jet.constant(np.zeros(()))
        return stack(value, np.zeros((0, *D_a.shape)), D_a, own), stack(zero, none, log_first, log_own)
    i, j = pairs(s)
    DK = _multiply(D, K.first)
    two = _multiply(DK[i], _multiply(DK[j], D))
    D_ij = two + _transposed(two) - _multiply(_multiply(D, K.second), D)
    mixed = -_multiply(DK[:, None], D_a[None])
    log_ij = np.einsum("abj,xabj->x", D, K.second) - np.einsum("xabj,xbaj->x", DK[i], DK[j])
    log_mixed = np.einsum("xabj,yabj->yx", D_a, K.first)
    log_old = Jet(np.zeros(()), np.einsum("xaaj->x", DK), log_ij)
    return (
        stack(Jet(D, -_multiply(DK, D), D_ij), mixed + _transposed(mixed), D_a, own),
        stack(log_old, log_mixed, log_first, log_own),
    )


def _multiply(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """A B for each level: (..., a, b, J), (..., b, c, J) -> (..., a, c, J)."""
    if A.shape[-2] == 1:
        return A * B
    return np.einsum("...abj,...bcj->...acj", A, B)


def _transposed(A: np.ndarray) -> np.ndarray:
    return np.swapaxes(A, -2, -3)


def _over_levels(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """sum_l A_l'B_l: (..., k, a, J), (..., k, b, J) -> (..., a, b)."""
    left = np.swapaxes(A, -2, -3).reshape(*A.shape[:-3], A.shape[-2], -1)
    right = np.swapaxes(B, -2, -3).reshape(*B.shape[:-3], B.shape[-2], -1)
    return left @ np.swapaxes(right, -1, -2)


def _summed(parent: np.ndarray, J: int, A: Jet, B: Jet) -> Jet:
    """A'B of each level, summed over the levels of each parent."""

    def multiply(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        each = _multiply(_transposed(a), b)
        flat = each.reshape(-1, 1, each.shape[-1])
        return sb.sum_by(parent, J, flat).reshape(*each.shape[:-1], J)

    return product(multiply, A, B)
