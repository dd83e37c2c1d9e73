"""What an expression of a formula evaluates to: numbers, logicals, or a factor, one per row.

A missing value is NaN in numbers and logicals, code -1 in a factor.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from bayeslmm.design.levels import label, sort_text
from bayeslmm.errors import DataError


@dataclass(frozen=True, slots=True, eq=False)
class Numeric:
    """Numbers: `values` (n,) or, for a basis such as poly(), (n, k) with the columns' `names`.

    `integers` (n,) keeps what an integer column held, so that long identifiers keep all their digits.
    """

    values: np.ndarray
    names: tuple[str, ...] | None = None
    integers: np.ndarray | None = None

    @property
    def missing(self) -> np.ndarray:
        """(n,): which rows have no value."""
        nan = np.isnan(self.values)
        return nan if nan.ndim == 1 else nan.any(axis=1)

    def take(self, rows: np.ndarray) -> "Numeric":
        """Return the given rows."""
        return Numeric(self.values[rows], self.names, None if self.integers is None else self.integers[rows])


@dataclass(frozen=True, slots=True, eq=False)
class Logical:
    """True and false as 1.0 and 0.0: `values` (n,)."""

    values: np.ndarray

    @property
    def missing(self) -> np.ndarray:
        """(n,): which rows have no value."""
        return np.isnan(self.values)

    def take(self, rows: np.ndarray) -> "Logical":
        """Return the given rows."""
        return Logical(self.values[rows])


@dataclass(frozen=True, slots=True, eq=False)
class Factor:
    """A categorical variable: `codes` (n,) into `levels`; `kind` says where it came from."""

    codes: np.ndarray
    levels: tuple[str, ...]
    ordered: bool = False
    kind: Literal["factor", "text", "date"] = "factor"

    @property
    def missing(self) -> np.ndarray:
        """(n,): which rows have no value."""
        return self.codes < 0

    def take(self, rows: np.ndarray) -> "Factor":
        """Return the given rows; all levels stay."""
        return Factor(self.codes[rows], self.levels, self.ordered, self.kind)

    def drop_unused(self) -> "Factor":
        """Return the factor without the levels that no row has."""
        used = np.zeros(len(self.levels) + 1, dtype=bool)
        used[self.codes] = True
        used = used[:-1]
        if used.all():
            return self
        new = np.append(np.cumsum(used) - 1, -1)
        levels = tuple(s for s, keep in zip(self.levels, used, strict=True) if keep)
        return Factor(new[self.codes], levels, self.ordered, self.kind)

    def recode(self, levels: Sequence[str]) -> "Factor":
        """Return the factor on the given levels; what is not among them becomes missing."""
        if tuple(levels) == self.levels:
            return self
        position = {s: i for i, s in enumerate(levels)}
        table = np.array([position.get(s, -1) for s in self.levels] + [-1], dtype=np.int64)
        return Factor(table[self.codes], tuple(levels), self.ordered, self.kind)

    def labels(self) -> np.ndarray:
        """(n,): the label of each row, None where it is missing."""
        return np.array([*self.levels, None], dtype=object)[self.codes]


type Value = Numeric | Logical | Factor


def text_factor(values: np.ndarray) -> Factor:
    """Return text (n,), None or NaN where missing, as a factor with its levels in R's order."""
    codes, found = pd.factorize(values, use_na_sentinel=True)
    names = [str(s) for s in found]
    levels = sort_text(set(names))
    position = {s: i for i, s in enumerate(levels)}
    table = np.array([position[s] for s in names] + [-1], dtype=np.int64)
    return Factor(table[codes], tuple(levels), kind="text")


def as_factor(value: Value) -> Factor:
    """Return the value as a factor: numbers by size, labelled as R writes them; FALSE before TRUE."""
    if isinstance(value, Factor):
        return value
    if isinstance(value, Logical):
        codes = np.where(value.missing, -1, np.nan_to_num(value.values)).astype(np.int64)
        return Factor(codes, ("FALSE", "TRUE"))
    if value.values.ndim != 1:
        raise DataError("several columns at once cannot be a factor; give one column")
    exact = value.values if value.integers is None else value.integers
    codes, found = pd.factorize(exact)
    codes = np.where(value.missing, -1, codes)
    order = np.argsort(found, kind="stable")
    names = [label(x) for x in found[order]]
    levels = tuple(dict.fromkeys(names))
    position = {s: i for i, s in enumerate(levels)}
    table = np.full(len(found) + 1, -1, dtype=np.int64)
    table[order] = [position[s] for s in names]
    return Factor(table[codes], levels).drop_unused()
