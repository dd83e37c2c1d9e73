"""A = [Z X y]'W[Z X y] in blocks. All that the likelihood needs of the data, and additive over rows.

Blocks keep the level index innermost, (k, k, J), so that each step of the factorisation runs over all levels at once
along contiguous memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bayeslmm.likelihood.symbolic import Structure

CHUNK = 1 << 18


@dataclass(frozen=True, slots=True)
class CrossProducts:
    """The blocks of A.

    Attributes
    ----------
    diag
        Per term: (k, k, J), `Z_l'W Z_l` for each level l.
    chain
        (t, s) nested: (k_t, k_s, J_t), level l of t with the level of s that it lies in.
    cross
        (t, s) crossed: (k_t, k_s, nnz), one block for each pair of levels that occurs.
    fixed
        Per term: (k, p + 1, J), `Z_l'W [X y]`.
    corner
        (p + 1, p + 1): `[X y]'W[X y]`.
    n
        Number of rows.
    log_weights
        Sum of log w.
    """

    diag: tuple[np.ndarray, ...]
    chain: dict[tuple[int, int], np.ndarray]
    cross: dict[tuple[int, int], np.ndarray]
    fixed: tuple[np.ndarray, ...]
    corner: np.ndarray
    n: int
    log_weights: float

    @property
    def p(self) -> int:
        """Number of fixed-effect columns."""
        return self.corner.shape[0] - 1

    def __add__(self, other: "CrossProducts") -> "CrossProducts":
        """Cross-products of the rows of both; they must share one `Structure`."""
        return CrossProducts(
            tuple(a + b for a, b in zip(self.diag, other.diag, strict=True)),
            {key: a + other.chain[key] for key, a in self.chain.items()},
            {key: a + other.cross[key] for key, a in self.cross.items()},
            tuple(a + b for a, b in zip(self.fixed, other.fixed, strict=True)),
            self.corner + other.corner,
            self.n + other.n,
            self.log_weights + other.log_weights,
        )


def cross_products(
    structure: Structure,
    Z: Sequence[np.ndarray],
    index: Sequence[np.ndarray],
    Xy: np.ndarray,
    weights: np.ndarray,
) -> CrossProducts:
    """Sum the cross-products over rows, chunk by chunk.

    Parameters
    ----------
    structure
        The pattern; its levels must cover those in `index`.
    Z
        Per term (n, k).
    index
        Per term (n,).
    Xy
        (n, p + 1): fixed effects' columns and the response.
    weights
        (n,): positive.
    """
    n = Xy.shape[0]
    total: CrossProducts | None = None
    for start in range(0, max(n, 1), CHUNK):
        rows = slice(start, start + CHUNK)
        part = _chunk(structure, [z[rows] for z in Z], [i[rows] for i in index], Xy[rows], weights[rows])
        total = part if total is None else total + part
    assert total is not None
    return total


def _chunk(
    structure: Structure,
    Z: Sequence[np.ndarray],
    index: Sequence[np.ndarray],
    Xy: np.ndarray,
    weights: np.ndarray,
) -> CrossProducts:
    J = structure.J
    columns = [np.ascontiguousarray(z.T) for z in Z]
    weighted = [c * weights for c in columns]
    right = np.ascontiguousarray(Xy.T)
    diag = tuple(_sum_outer(wz, z, i, j) for wz, z, i, j in zip(weighted, columns, index, J, strict=True))
    chain = {(t, s): _sum_outer(weighted[t], columns[s], index[t], J[t]) for t, s in structure.parent}
    cross = {
        (t, s): _sum_outer(weighted[t], columns[s], pairs.find(index[t], index[s]), pairs.keys.size)
        for (t, s), pairs in structure.pairs.items()
    }
    fixed = tuple(_sum_outer(wz, right, i, j) for wz, i, j in zip(weighted, index, J, strict=True))
    corner = (Xy * weights[:, None]).T @ Xy
    return CrossProducts(diag, chain, cross, fixed, corner, Xy.shape[0], float(np.log(weights).sum()))


def _sum_outer(left: np.ndarray, right: np.ndarray, cell: np.ndarray, n_cells: int) -> np.ndarray:
    """Sum left[:, i] right[:, i]' over the rows i of each cell: (a, n), (b, n) -> (a, b, n_cells)."""
    out = np.empty((left.shape[0], right.shape[0], n_cells))
    for a, x in enumerate(left):
        for b, y in enumerate(right):
            out[a, b] = np.bincount(cell, weights=x * y, minlength=n_cells)
    return out
