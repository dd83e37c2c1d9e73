"""The gradient of f = -2 log L in the factors Lambda_t.

With e_l = Z_l'W(y - X beta - Z Lambda u), N(l) the levels that meet level l in some row (l among them), and c = nu/r^2
where sigma is profiled out or 1/sigma^2 where it is given,

    df/dLambda_t = 2 sum_l [ sum_(j in N(l)) A_lj Lambda_j [M^-1]_jl + A_lX [M^-1]_Xl ] - 2 c sum_l e_l u_l'.

It holds for every Lambda, singular ones and zero included. M^-1 has X in it for REML and has not for ML.
"""

from collections.abc import Sequence

import numpy as np

from bayeslmm.likelihood import smallblocks as sb
from bayeslmm.likelihood.crossprod import CrossProducts
from bayeslmm.likelihood.inverse import SelectedInverse
from bayeslmm.likelihood.symbolic import Structure


def lambda_gradient(
    A: CrossProducts,
    structure: Structure,
    lambdas: Sequence[np.ndarray],
    inverse: SelectedInverse,
    u: Sequence[np.ndarray],
    gamma: np.ndarray,
    c: float,
) -> tuple[np.ndarray, ...]:
    """Return df/dLambda_t, the full (k, k) matrix, for every term.

    Parameters
    ----------
    A, structure
        Data and pattern.
    lambdas
        The factors (k, k).
    inverse
        Selected inverse at these factors, with X for REML.
    u, gamma
        Minimisers of the penalised least squares: (k, J) per term, and (p,).
    c
        nu / r^2, or 1 / sigma^2.
    """
    p = inverse.corner.shape[0]
    out = []
    for t, L in enumerate(lambdas):
        G = _contract(A.diag[t], inverse.diag[t], L)
        G = G + np.einsum("apj,bpj->ab", A.fixed[t][:, :p], inverse.fixed[t])
        out.append(G)
    for (t, s), block in [*A.chain.items(), *A.cross.items()]:
        M_inv = inverse.chain[t, s] if (t, s) in A.chain else inverse.cross[t, s]
        product = block.reshape(-1, block.shape[2]) @ M_inv.reshape(-1, block.shape[2]).T
        product = product.reshape(*block.shape[:2], *block.shape[:2])
        out[t] = out[t] + np.einsum("abcd,bd->ac", product, lambdas[s])
        out[s] = out[s] + np.einsum("abcd,ac->bd", product, lambdas[t])
    e = residual_products(A, structure, lambdas, u, gamma)
    return tuple(2 * (G - c * e_t @ u_t.T) for G, e_t, u_t in zip(out, e, u, strict=True))


def residual_products(
    A: CrossProducts,
    structure: Structure,
    lambdas: Sequence[np.ndarray],
    u: Sequence[np.ndarray],
    gamma: np.ndarray,
) -> tuple[np.ndarray, ...]:
    """Return e = Z'W(y - X beta - Z Lambda u), (k, J) per term, from cross-products."""
    b = [L @ v for L, v in zip(lambdas, u, strict=True)]
    out = [
        F[:, -1] - np.einsum("apj,p->aj", F[:, :-1], gamma) - np.einsum("abj,bj->aj", D, b_t)
        for F, D, b_t in zip(A.fixed, A.diag, b, strict=True)
    ]
    for (t, s), block in A.chain.items():
        parent = structure.parent[t, s]
        out[t] = out[t] - np.einsum("abj,bj->aj", block, b[s][:, parent])
        out[s] = out[s] - sb.sum_by(parent, structure.J[s], np.einsum("abj,aj->bj", block, b[t])[:, None])[:, 0]
    for (t, s), block in A.cross.items():
        pairs = structure.pairs[t, s]
        to_first = np.einsum("abj,bj->aj", block, b[s][:, pairs.second])
        to_second = np.einsum("abj,aj->bj", block, b[t][:, pairs.first])
        out[t] = out[t] - sb.sum_by(pairs.first, structure.J[t], to_first[:, None])[:, 0]
        out[s] = out[s] - sb.sum_by(pairs.second, structure.J[s], to_second[:, None])[:, 0]
    return tuple(out)


def _contract(A: np.ndarray, M_inv: np.ndarray, L: np.ndarray) -> np.ndarray:
    """sum_l A_l L [M^-1]_l for symmetric blocks: (k, k, J), (k, k, J), (k, k) -> (k, k)."""
    k, _, J = A.shape
    product = (A.reshape(k * k, J) @ M_inv.reshape(k * k, J).T).reshape(k, k, k, k)
    return np.einsum("abcd,bc->ad", product, L)
