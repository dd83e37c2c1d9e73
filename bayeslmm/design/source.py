"""What a design was built of besides its formula: enough to build the same one again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayeslmm.design.columns import Columns
from bayeslmm.design.values import Numeric, Value

EXACT = 2.0**53  # whole numbers up to here are floating-point numbers too


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """The columns that a formula uses, all rows as read, and the arguments beside it.

    Attributes
    ----------
    read
        The columns by name; whole numbers as floating-point ones where that loses nothing.
    n
        Rows of the caller's data.
    whole
        Names of the columns that held whole numbers.
    weights, offset
        A column's name, an array (n,), or None.
    """

    read: Mapping[str, Value]
    n: int
    whole: frozenset[str]
    weights: str | np.ndarray | None
    offset: str | np.ndarray | None

    @classmethod
    def of(cls, columns: Columns, weights: Any, offset: Any) -> "Source":
        """Keep what was read, without anything that belongs to the caller."""
        whole = frozenset(k for k, v in columns.values.items() if isinstance(v, Numeric) and v.integers is not None)
        read = {k: _kept(v) for k, v in columns.values.items()}
        return cls(read, columns.n, whole, _own(weights), _own(offset))

    @property
    def columns(self) -> Columns:
        """The columns as they were read."""
        return Columns({k: _whole(v) if k in self.whole else v for k, v in self.read.items()}, self.n)


def _kept(value: Value) -> Value:
    if not isinstance(value, Numeric) or value.integers is None:
        return value
    exact = np.fmax.reduce(np.abs(value.values), initial=0.0) < EXACT
    return Numeric(value.values, integers=None if exact else value.integers.copy())


def _whole(value: Value) -> Value:
    if not isinstance(value, Numeric) or value.integers is not None:
        return value
    return Numeric(value.values, integers=np.nan_to_num(value.values).astype(np.int64))


def _own(given: Any) -> str | np.ndarray | None:
    return given if given is None or isinstance(given, str) else np.array(given, dtype=float)
