"""Where each block lies in the flat arrays that the compiled loops work on.

Three arrays share one layout: `a` (the cross-products A), `w` (the rows R = L^-1 M of the lead terms) and `v` (the
blocks of M^-1 on the same pattern). A lead term t has its diagonal blocks (k, k, J), its blocks towards each ancestor s
(k_t, k_s, J_t), towards X and y (k, p + 1, J), and towards the tail: (k, entries), one entry for each tail *column*
that a level of t occurs with, level by level, columns ascending. A tail term has diagonal blocks and blocks towards X
and y; pairs of tail terms follow, and the corner [X y]'W[X y] comes last.
"""

from itertools import accumulate
from typing import NamedTuple

import numpy as np

from bayeslmm.likelihood.crossprod import CrossProducts
from bayeslmm.likelihood.symbolic import Structure

# columns of `size`, `term`, `lead` and `chain`
N_TERMS, N_LEAD, Q_TAIL, P, CORNER, K_MAX, WIDEST, N_EFFECTS = range(8)
WIDTH, LEVELS, LAM, DIAG, FIXED, EFFECTS, FIRST = range(7)
TERM, CROSS, ENTRIES, PTR, COLUMN = range(5)
FROM, TO, BLOCK, PARENT, UP = range(5)
GAP = 64  # numbers between arrays: more than any vector, unrolled, holds


class Plan(NamedTuple):
    """Sizes and offsets. Every field is an int64 array, so that one compiled signature serves all models.

    Attributes
    ----------
    size
        (8,): number of terms, of lead terms, of tail columns, of fixed-effect columns, offset of the corner, largest k,
        most entries that a level has, number of random effects.
    term
        (T, 7): k, J, offset of Lambda (k, k) in the flat Lambdas, offsets of the diagonal blocks and of those towards
        [X y], offset of (k, J) in the flat u, first tail column (-1 for a lead term).
    lead
        (lead terms, 5), finest first: the term, offset of its (k, entries) block towards the tail, number of entries,
        where its row pointers start in `pool` (J + 1) and its entries in `column` and `level`.
    chain
        (pairs, 5): positions i < j in `lead`, offset of the block, where in `pool` the ancestor of each level stands,
        and the ancestor's entry for each entry.
    link
        (lead, lead): the row of `chain` for a pair of positions, -1 where there is none.
    tail_pair
        (pairs, 6): tail terms r and s, offset of the block (k_r, k_s, nnz), nnz, where in `pool` the levels of r and of
        s stand.
    column, level
        Of each entry: its tail column, the level that it belongs to.
    column_term
        (q_tail,): the term of each tail column.
    pool
        All other indices.
    """

    size: np.ndarray
    term: np.ndarray
    lead: np.ndarray
    chain: np.ndarray
    link: np.ndarray
    tail_pair: np.ndarray
    column: np.ndarray
    level: np.ndarray
    column_term: np.ndarray
    pool: np.ndarray


class Layout(NamedTuple):
    """A plan, and how the entries of all tail terms interleave in each lead term (None: they are in order)."""

    plan: Plan
    order: tuple[np.ndarray | None, ...]
    length: int
    n_effects: int


def apart(*shape: int) -> np.ndarray:
    """An array, not initialised, that ends far from the next one.

    Where two short arrays lie close together, vector code falls back to scalar code, which rounds otherwise: results
    would depend on where memory happened to be free.
    """
    size = int(np.prod(shape))
    return np.empty(size + GAP)[:size].reshape(shape)


def apart_like(values: np.ndarray) -> np.ndarray:
    """A copy of an array that ends far from the next one."""
    out = apart(*values.shape)
    out[...] = values
    return out


def lay_out(structure: Structure, p: int) -> Layout:
    """Assign offsets for a pattern with p fixed-effect columns."""
    k, J, lead, tail = structure.k, structure.J, structure.lead, structure.tail
    at, pool = _Counter(), _Pool()
    diag = [at.take(k[t] * k[t] * J[t]) for t in range(len(k))]
    fixed = [at.take(k[t] * (p + 1) * J[t]) for t in range(len(k))]
    merged = [_entries(t, structure) for t in lead]
    chain = []
    for i, t in enumerate(lead):
        for j in range(i + 1, len(lead)):
            parent = structure.parent[t, lead[j]]
            up = _up(merged[i], merged[j], parent, structure.q_tail)
            chain.append((i, j, at.take(k[t] * k[lead[j]] * J[t]), pool.add(parent), pool.add(up)))
    cross = [at.take(k[t] * m.column.size) for t, m in zip(lead, merged, strict=True)]
    pairs = []
    for a, r in enumerate(tail):
        for s in tail[a + 1 :]:
            found = structure.pairs[r, s]
            block = at.take(k[r] * k[s] * found.keys.size)
            pairs.append((r, s, block, found.keys.size, pool.add(found.first), pool.add(found.second)))
    corner = at.take((p + 1) ** 2)
    lam, effects = _starts([v * v for v in k]), _starts([v * j for v, j in zip(k, J, strict=True)])
    first = [structure.offset.get(t, -1) for t in range(len(k))]
    entries = [m.column.size for m in merged]
    rows = [pool.add(m.ptr) for m in merged]
    n_effects = sum(v * j for v, j in zip(k, J, strict=True))
    plan = Plan(
        size=_ints([len(k), len(lead), structure.q_tail, p, corner, max(k, default=1), _widest(merged), n_effects]),
        term=_table([k, J, lam, diag, fixed, effects, first]),
        lead=_table([lead, cross, entries, rows, _starts(entries)]),
        chain=_ints(chain).reshape(-1, 5),
        link=_links(chain, len(lead)),
        tail_pair=_ints(pairs).reshape(-1, 6),
        column=_joined([m.column for m in merged]),
        level=_joined([m.level for m in merged]),
        column_term=np.repeat(_ints(tail), [k[r] * J[r] for r in tail]),
        pool=pool.array(),
    )
    return Layout(plan, tuple(m.order for m in merged), at.total, n_effects)


def pack(layout: Layout, structure: Structure, A: CrossProducts) -> np.ndarray:
    """Write the blocks of A into one flat array, (length,)."""
    plan = layout.plan
    out = apart(layout.length)
    for t in range(len(structure.k)):
        _put(out, plan.term[t, DIAG], A.diag[t])
        _put(out, plan.term[t, FIXED], A.fixed[t])
    for i, j, offset, *_ in plan.chain:
        _put(out, offset, A.chain[structure.lead[i], structure.lead[j]])
    for i, t in enumerate(structure.lead):
        if structure.tail:
            blocks = [A.cross[t, r] for r in structure.tail]
            rows = np.concatenate([np.moveaxis(B, 1, 2).reshape(B.shape[0], -1) for B in blocks], axis=1)
            order = layout.order[i]
            _put(out, plan.lead[i, CROSS], rows if order is None else rows[:, order])
    for r, s, offset, *_ in plan.tail_pair:
        _put(out, offset, A.cross[int(r), int(s)])
    _put(out, plan.size[CORNER], A.corner)
    return out


def pack_response(layout: Layout, a: np.ndarray, A: CrossProducts) -> np.ndarray:
    """A copy of the flat array in which the cross-products with y are those of A."""
    out = apart_like(a)
    for t, block in enumerate(A.fixed):
        _put(out, layout.plan.term[t, FIXED], block)
    _put(out, layout.plan.size[CORNER], A.corner)
    return out


class _Entries(NamedTuple):
    ptr: np.ndarray
    column: np.ndarray
    level: np.ndarray
    order: np.ndarray | None


def _entries(t: int, structure: Structure) -> _Entries:
    """The tail columns that each level of lead term t occurs with."""
    J, tail = structure.J[t], structure.tail
    empty = np.zeros(0, dtype=np.int64)
    if not tail:
        return _Entries(np.zeros(J + 1, dtype=np.int64), empty, empty, None)
    columns = [structure.tail_columns(r, structure.pairs[t, r].second).T.ravel() for r in tail]
    levels = [np.repeat(structure.pairs[t, r].first, structure.k[r]) for r in tail]
    column, level = np.concatenate([empty, *columns]), np.concatenate([empty, *levels])
    order = None
    if len(tail) > 1:
        order = np.argsort(level * max(structure.q_tail, 1) + column, kind="stable")
        column, level = column[order], level[order]
    ptr = np.searchsorted(level, np.arange(J + 1))
    return _Entries(ptr, column, level, order)


def _widest(merged: list[_Entries]) -> int:
    """The most entries that one level has."""
    return max([1, *(int(np.diff(m.ptr).max(initial=0)) for m in merged)])


def _links(chain: list[tuple[int, int, int, int, int]], n_lead: int) -> np.ndarray:
    out = np.full((n_lead, n_lead), -1, dtype=np.int64)
    for row, (i, j, *_) in enumerate(chain):
        out[i, j] = row
    return out


def _up(lower: _Entries, upper: _Entries, parent: np.ndarray, q: int) -> np.ndarray:
    """For each entry of a lead term, the entry of its ancestor with the same tail column."""
    if not lower.column.size:
        return lower.column
    return np.searchsorted(upper.level * q + upper.column, parent[lower.level] * q + lower.column)


def _put(out: np.ndarray, offset: int, block: np.ndarray) -> None:
    out[offset : offset + block.size] = block.ravel()


class _Counter:
    """Hands out consecutive ranges."""

    def __init__(self) -> None:
        self.total = 0

    def take(self, size: int) -> int:
        start, self.total = self.total, self.total + size
        return start


class _Pool:
    """Joins integer arrays and remembers where each starts."""

    def __init__(self) -> None:
        self.parts: list[np.ndarray] = []
        self.counter = _Counter()

    def add(self, part: np.ndarray) -> int:
        self.parts.append(part)
        return self.counter.take(part.size)

    def array(self) -> np.ndarray:
        return _joined(self.parts)


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.zeros(0, dtype=np.int64), *parts]).astype(np.int64)


def _ints(values: object) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def _table(columns: list[object]) -> np.ndarray:
    return np.ascontiguousarray(np.array(columns, dtype=np.int64).T)


def _starts(sizes: list[int]) -> list[int]:
    return list(accumulate(sizes, initial=0))[: len(sizes)]
