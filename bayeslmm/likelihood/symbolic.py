"""Where each block goes: elimination order, nesting and sparsity pattern of A = [Z X y]'W[Z X y].

Terms split in two. The *lead* is a chain of mutually nested factors, finest first (each level of one lies in exactly
one level of the next): eliminating it level by level fills nothing in, because a level only meets its own ancestors
and the tail levels that it occurs with. What crosses the chain is the *tail*: it is eliminated as one dense matrix,
together with X and y.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bayeslmm.errors import NotAvailableError

MAX_TAIL = 20_000
TABLE = 64  # entries of a table per row of the data, up to which it is faster than sorting


@dataclass(frozen=True, slots=True)
class Pairs:
    """The pairs of levels of two terms that occur together in some row.

    Attributes
    ----------
    keys
        (nnz,), ascending: first * n_second + second.
    first, second
        (nnz,): level of the first and of the second term.
    n_second
        Number of levels of the second term.
    """

    keys: np.ndarray
    first: np.ndarray
    second: np.ndarray
    n_second: int

    @classmethod
    def of(cls, first: np.ndarray, second: np.ndarray, n_second: int) -> "Pairs":
        """Find the pairs in the level indices (n,) of two terms."""
        keys = _ascending(first * n_second + second)
        return cls(keys, keys // n_second, keys % n_second, n_second)

    def find(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Return the positions in `keys` of these pairs, which must occur."""
        return np.searchsorted(self.keys, first * self.n_second + second)

    def finder(self, n: int) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
        """Return what `find` does, for n rows in all: by a table where that is not much larger than the data."""
        size = int(self.keys[-1]) + 1 if self.keys.size else 0
        if size > TABLE * n:
            return self.find
        position = np.empty(size, dtype=np.int32)
        position[self.keys] = np.arange(self.keys.size, dtype=np.int32)
        return lambda first, second: position[first * self.n_second + second]


@dataclass(frozen=True, slots=True)
class Structure:
    """The pattern that every evaluation follows; it depends on the level indices only.

    Attributes
    ----------
    k, J
        Effects per level and number of levels, per term.
    lead
        Positions of the nested terms, finest first.
    tail
        Positions of the other terms.
    parent
        (t, s) in lead, t before s: (J_t,), the level of s that each level of t lies in.
    pairs
        (t, s) with t in lead and s in tail, or both in tail with t before s.
    up
        (t, s, r), t before s in lead, r in tail: for each pair of (t, r) the pair of (s, r) that it lies in.
    offset
        Tail term -> its first column in the tail.
    q_tail
        Number of columns of the tail.
    """

    k: tuple[int, ...]
    J: tuple[int, ...]
    lead: tuple[int, ...]
    tail: tuple[int, ...]
    parent: dict[tuple[int, int], np.ndarray]
    pairs: dict[tuple[int, int], Pairs]
    up: dict[tuple[int, int, int], np.ndarray]
    offset: dict[int, int]
    q_tail: int

    @classmethod
    def of(cls, index: Sequence[np.ndarray], J: Sequence[int], k: Sequence[int]) -> "Structure":
        """Analyse the level indices (n,) of all terms.

        Raises
        ------
        NotAvailableError
            The crossed factors that remain would need a dense matrix that is too large.
        """
        nesting = _nesting(index, J)
        lead = _longest_chain(nesting, [j * kk for j, kk in zip(J, k, strict=True)])
        tail = tuple(t for t in range(len(J)) if t not in lead)
        sizes = [J[t] * k[t] for t in tail]
        _refuse_large_tail(sum(sizes))
        parent = {(t, s): nesting[t, s] for a, t in enumerate(lead) for s in lead[a + 1 :]}
        pairs = {(t, r): Pairs.of(index[t], index[r], J[r]) for t in lead for r in tail}
        pairs |= {(r, s): Pairs.of(index[r], index[s], J[s]) for a, r in enumerate(tail) for s in tail[a + 1 :]}
        up = {
            (t, s, r): pairs[s, r].find(parent[t, s][pairs[t, r].first], pairs[t, r].second)
            for (t, s) in parent
            for r in tail
        }
        offset = dict(zip(tail, np.concatenate([[0], np.cumsum(sizes)]).astype(int).tolist(), strict=False))
        return cls(tuple(k), tuple(J), lead, tail, parent, pairs, up, offset, sum(sizes))

    def tail_columns(self, r: int, levels: np.ndarray) -> np.ndarray:
        """Return the tail columns (k, len(levels)) of these levels of tail term r."""
        return self.offset[r] + levels[None, :] * self.k[r] + np.arange(self.k[r])[:, None]


def _ascending(keys: np.ndarray) -> np.ndarray:
    """Return the distinct values (nnz,) of keys (n,), none negative."""
    size = int(keys.max(initial=-1)) + 1
    if size > TABLE * keys.size:
        return np.unique(keys)
    occurs = np.zeros(size, dtype=bool)
    occurs[keys] = True
    return np.flatnonzero(occurs)


def _nesting(index: Sequence[np.ndarray], J: Sequence[int]) -> dict[tuple[int, int], np.ndarray]:
    """For every ordered pair of terms where t is nested in s: the level of s for each level of t."""
    nested = {}
    for t, i in enumerate(index):
        for s, j in enumerate(index):
            if t == s or J[t] < J[s]:
                continue
            outer = np.zeros(J[t], dtype=np.int64)
            outer[i] = j
            if np.array_equal(outer[i], j):
                nested[t, s] = outer
    return nested


def _longest_chain(nesting: dict[tuple[int, int], np.ndarray], sizes: Sequence[int]) -> tuple[int, ...]:
    """Return the nested chain, finest first, that holds the most columns."""
    by_size = sorted(range(len(sizes)), key=lambda t: -sizes[t])
    best: tuple[int, ...] = ()
    for start in by_size:
        chain = [start]
        for s in by_size:
            if s not in chain and all((t, s) in nesting for t in chain):
                chain.append(s)
        ordered = _finest_first(chain, nesting)
        if sum(sizes[t] for t in ordered) > sum(sizes[t] for t in best):
            best = ordered
    return best


def _finest_first(chain: list[int], nesting: dict[tuple[int, int], np.ndarray]) -> tuple[int, ...]:
    """Order a set of terms so that each is nested in all that follow; terms that break the chain are left out."""
    by_depth = sorted(chain, key=lambda t: -sum((t, s) in nesting for s in chain))
    kept: list[int] = []
    for s in by_depth:
        if all((t, s) in nesting for t in kept):
            kept.append(s)
    return tuple(kept)


def _refuse_large_tail(q_tail: int) -> None:
    if q_tail > MAX_TAIL:
        gigabytes = 8 * q_tail**2 / 1e9
        raise NotAvailableError(
            f"the crossed random effects that remain after eliminating the nested ones have {q_tail:,} columns and "
            f"would need a dense matrix of {gigabytes:.1f} GB (the limit is {MAX_TAIL:,} columns). Use the factor with "
            "fewer levels as a fixed effect or leave it out, or fit on a subset of its levels."
        )
