"""Grouping factors: rows -> level index, for one variable or the combinations of several that occur."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayeslmm.design.values import Factor


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """The levels of a grouping factor, enough to find them again in new data.

    Attributes
    ----------
    labels
        J labels, `a:b` for combinations; the first variable varies slowest.
    variables
        For each variable of the combination: its own levels.
    combinations
        (J, m): the position of each level in the variables' levels.
    """

    labels: tuple[str, ...]
    variables: tuple[tuple[str, ...], ...]
    combinations: np.ndarray

    def find(self, factors: Sequence[Factor]) -> tuple[np.ndarray, np.ndarray]:
        """Return the index (n,) of each row, -1 where the level is new or missing, and its label (n,)."""
        codes = [f.recode(known).codes for f, known in zip(factors, self.variables, strict=True)]
        if len(codes) == 1:
            position = np.full(len(self.variables[0]) + 1, -1, dtype=np.int64)
            position[self.combinations[:, 0]] = np.arange(len(self.labels))
            return position[codes[0]], _row_labels(factors)
        known = pd.MultiIndex.from_arrays(list(self.combinations.T))
        index = known.get_indexer(pd.MultiIndex.from_arrays(codes))
        index[np.any([c < 0 for c in codes], axis=0)] = -1
        return index.astype(np.int64), _row_labels(factors)


def combine(factors: Sequence[Factor]) -> tuple[np.ndarray, Levels]:
    """Return the level index (n,) of each row and the levels that occur; no value may be missing."""
    sizes = [max(len(f.levels), 1) for f in factors]
    n = factors[0].codes.size
    if math.prod(sizes) <= 4 * n + 1024:
        index, combinations = _by_table([f.codes for f in factors], sizes)
    else:
        index, combinations = _by_sorting([f.codes for f in factors], sizes)
    parts = [np.array(f.levels, dtype=object)[combinations[:, i]] for i, f in enumerate(factors)]
    labels = tuple(parts[0]) if len(parts) == 1 else tuple(map(":".join, zip(*parts, strict=True)))
    return index, Levels(labels, tuple(f.levels for f in factors), combinations)


def _by_table(codes: Sequence[np.ndarray], sizes: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Index (n,) and combinations (J, m) from a table of all combinations there could be: no sorting."""
    code = codes[0].astype(np.int64, copy=False)
    for other, size in zip(codes[1:], sizes[1:], strict=True):
        code = code * size + other
    occurs = np.zeros(math.prod(sizes), dtype=bool)
    occurs[code] = True
    if occurs.all():
        found = np.arange(occurs.size)
    else:
        found = np.flatnonzero(occurs)
        rank = np.cumsum(occurs) - 1
        code = rank[code]
    return code, np.column_stack(np.unravel_index(found, sizes)).astype(np.int64)


def _by_sorting(codes: Sequence[np.ndarray], sizes: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """The same by ranking the codes that occur, where the table would be much larger than the data."""
    code = codes[0]
    for other, size in zip(codes[1:], sizes[1:], strict=True):
        code = _compress(code)[0] * size + other
    index, first = _compress(code)
    return index, np.column_stack([c[first] for c in codes])


def _compress(code: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rank (n,) of each code among those that occur, and the first row of each."""
    seen, found = pd.factorize(code)
    order = np.argsort(found)
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)
    index = rank[seen]
    first = np.empty(order.size, dtype=np.int64)
    first[index[::-1]] = np.arange(code.size - 1, -1, -1)
    return index.astype(np.int64), first


def _row_labels(factors: Sequence[Factor]) -> np.ndarray:
    parts = [np.where(f.missing, "NA", f.labels()).astype(object) for f in factors]
    if len(parts) == 1:
        return parts[0]
    return np.array([":".join(row) for row in zip(*parts, strict=True)], dtype=object)
