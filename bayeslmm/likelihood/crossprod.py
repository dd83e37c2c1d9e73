"""A = [Z X y]'W[Z X y] in blocks. All that the likelihood needs of the data, and additive over rows.

Blocks keep the level index innermost, (k, k, J), so that each step of the factorisation runs over all levels at once
along contiguous memory.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bayeslmm.likelihood.policy import pays
from bayeslmm.likelihood.symbolic import Structure
from bayeslmm.likelihood.threads import spread

CHUNK = 1 << 17


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

    def __sub__(self, other: "CrossProducts") -> "CrossProducts":
        """Cross-products without the rows of `other`; they must share one `Structure`."""
        return CrossProducts(
            tuple(a - b for a, b in zip(self.diag, other.diag, strict=True)),
            {key: a - other.chain[key] for key, a in self.chain.items()},
            {key: a - other.cross[key] for key, a in self.cross.items()},
            tuple(a - b for a, b in zip(self.fixed, other.fixed, strict=True)),
            self.corner - other.corner,
            self.n - other.n,
            self.log_weights - other.log_weights,
        )


def with_response(
    A: CrossProducts,
    Z: Sequence[np.ndarray],
    index: Sequence[np.ndarray],
    fixed: Callable[[slice], np.ndarray],
    weights: np.ndarray,
) -> CrossProducts:
    """The same cross-products with another y, the last column of what `fixed` gives; only its own are summed anew."""
    p, n = A.p, weights.size
    columns = [block.copy() for block in A.fixed]
    corner = A.corner.copy()
    for block in columns:
        block[:, p] = 0.0
    corner[p], corner[:, p] = 0.0, 0.0
    for start in range(0, max(n, 1), CHUNK):
        rows = slice(start, start + CHUNK)
        Xy = fixed(rows)
        weighted = Xy[:, p] * weights[rows]
        corner[p] += weighted @ Xy
        for block, z, i in zip(columns, Z, index, strict=True):
            for a, column in enumerate(z[rows].T):
                block[a, p] += np.bincount(i[rows], weights=column * weighted, minlength=block.shape[2])
    corner[:, p] = corner[p]
    return replace(A, fixed=tuple(columns), corner=corner)


def cross_products(
    structure: Structure,
    Z: Sequence[np.ndarray],
    index: Sequence[np.ndarray],
    fixed: Callable[[slice], np.ndarray],
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
    fixed
        Gives, for a slice of rows, [X y] (rows, p + 1): never all of it at once.
    weights
        (n,): positive.
    """
    n = weights.size
    add_up = _sum_outer
    if pays(4e-8 * n * sum((k + 2) * (k + 4) for k in structure.k)):
        from bayeslmm.likelihood.compiled.sums import sum_outer as add_up
    find = {key: pairs.finder(n) for key, pairs in structure.pairs.items()}
    step = CHUNK * (1 + 2 * _n_cells(structure) // CHUNK)  # many more rows than levels in each piece, for memory's sake
    starts = range(0, max(n, 1), step)
    parts: list[CrossProducts | None] = [None] * len(starts)

    def piece(position: int, start: int) -> None:
        part = _empty(structure, fixed(slice(0)).shape[1])
        for at in range(start, min(start + step, n), CHUNK):
            rows = slice(at, min(at + CHUNK, start + step))
            part = _with_rows(
                part,
                structure,
                find,
                [z[rows] for z in Z],
                [i[rows] for i in index],
                fixed(rows),
                weights[rows],
                add_up,
            )
        parts[position] = part

    spread(piece, list(enumerate(starts)))
    total, *rest = [part for part in parts if part is not None]
    for part in rest:
        total = total + part
    return total


SumOuter = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray], None]
Find = Callable[[np.ndarray, np.ndarray], np.ndarray]


def _n_cells(structure: Structure) -> int:
    """Levels and pairs of levels, which each have a block."""
    return sum(structure.J) + sum(pairs.keys.size for pairs in structure.pairs.values())


def _empty(structure: Structure, width: int) -> CrossProducts:
    """Cross-products of no rows; `width` is p + 1."""
    k, J, pairs = structure.k, structure.J, structure.pairs
    return CrossProducts(
        tuple(np.zeros((kk, kk, j)) for kk, j in zip(k, J, strict=True)),
        {(t, s): np.zeros((k[t], k[s], J[t])) for t, s in structure.parent},
        {(t, s): np.zeros((k[t], k[s], found.keys.size)) for (t, s), found in pairs.items()},
        tuple(np.zeros((kk, width, j)) for kk, j in zip(k, J, strict=True)),
        np.zeros((width, width)),
        0,
        0.0,
    )


def _with_rows(
    part: CrossProducts,
    structure: Structure,
    find: Mapping[tuple[int, int], Find],
    Z: Sequence[np.ndarray],
    index: Sequence[np.ndarray],
    Xy: np.ndarray,
    weights: np.ndarray,
    add_up: SumOuter,
) -> CrossProducts:
    """Add rows to the blocks of `part`, in place; n, corner and log-weights come with the answer."""
    Z, weights = [np.ascontiguousarray(z) for z in Z], np.ascontiguousarray(weights)
    for z, i, diag, fixed in zip(Z, index, part.diag, part.fixed, strict=True):
        add_up(z, z, weights, i, diag)
        add_up(z, Xy, weights, i, fixed)
    for (t, s), block in part.chain.items():
        add_up(Z[t], Z[s], weights, index[t], block)
    for (t, s), block in part.cross.items():
        add_up(Z[t], Z[s], weights, find[t, s](index[t], index[s]), block)
    return replace(
        part,
        corner=part.corner + (Xy * weights[:, None]).T @ Xy,
        n=part.n + Xy.shape[0],
        log_weights=part.log_weights + float(np.log(weights).sum()),
    )


def _sum_outer(left: np.ndarray, right: np.ndarray, weights: np.ndarray, cell: np.ndarray, out: np.ndarray) -> None:
    """Add w_i left[i] right[i]' over the rows i of each cell: (n, a), (n, b), (n,), (n,) -> (a, b, n_cells)."""
    for a, x in enumerate(left.T):
        weighted = x * weights
        for b, y in enumerate(right.T):
            out[a, b] += np.bincount(cell, weights=weighted * y, minlength=out.shape[2])
