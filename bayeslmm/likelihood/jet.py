"""Arrays with their first and second derivatives in s parameters, and products of them by Leibniz' rule.

The parameters have an order, and elimination meets them one term after the other. An array that depends on the first
r of them carries derivatives for these only; the pairs (i, j), i <= j, are ordered by j, then i, so that those of the
first r parameters come first whatever follows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

Bilinear = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True, slots=True)
class Jet:
    """A value and its derivatives.

    Attributes
    ----------
    value
        Of any shape.
    first
        (s, *shape): by each parameter.
    second
        (s (s + 1) / 2, *shape): by each pair of parameters, in the order of `pairs`.
    """

    value: np.ndarray
    first: np.ndarray
    second: np.ndarray

    @classmethod
    def constant(cls, value: np.ndarray) -> "Jet":
        """An array that depends on no parameter."""
        empty = np.zeros((0, *value.shape))
        return cls(value, empty, empty)

    @property
    def s(self) -> int:
        """Number of parameters."""
        return self.first.shape[0]

    def take(self, levels: np.ndarray) -> "Jet":
        """Some of the levels, which are the last axis."""
        return Jet(self.value[..., levels], self.first[..., levels], self.second[..., levels])

    def block(self, rows: slice, columns: slice) -> "Jet":
        """Some of the rows and columns, the last two axes."""
        at = (..., rows, columns)
        return Jet(self.value[at], self.first[at], self.second[at])

    def map(self, linear: Callable[[np.ndarray], np.ndarray]) -> "Jet":
        """A linear function of the array, which must work on stacks of arrays as well."""
        return Jet(linear(self.value), linear(self.first), linear(self.second))

    def minus(self, other: "Jet") -> "Jet":
        """The difference; each may depend on more parameters than the other."""
        long, short = (self.first, self.second), (other.first, other.second)
        parts = [_difference(a, b) for a, b in zip(long, short, strict=True)]
        return Jet(self.value - other.value, parts[0], parts[1])


def _difference(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    out = np.zeros((max(a.shape[0], b.shape[0]), *a.shape[1:]))
    out[: a.shape[0]] = a
    out[: b.shape[0]] -= b
    return out


@cache
def pairs(s: int) -> tuple[np.ndarray, np.ndarray]:
    """The pairs i <= j of s parameters: (i, j), each (s (s + 1) / 2,)."""
    j, i = np.tril_indices(s)
    return i, j


def full(second: np.ndarray, s: int) -> np.ndarray:
    """Second derivatives as a symmetric (s, s, *shape)."""
    i, j = pairs(s)
    out = np.empty((s, s, *second.shape[1:]))
    out[i, j] = second
    out[j, i] = second
    return out


def product(multiply: Bilinear, A: Jet, B: Jet) -> Jet:
    """multiply(A, B) by Leibniz' rule; `multiply` is bilinear and works on stacks, either of which may be one array."""
    value = multiply(A.value, B.value)
    s = max(A.s, B.s)
    first = np.zeros((s, *value.shape))
    second = np.zeros((s * (s + 1) // 2, *value.shape))
    if A.s:
        first[: A.s] += multiply(A.first, B.value)
        second[: A.second.shape[0]] += multiply(A.second, B.value)
    if B.s:
        first[: B.s] += multiply(A.value, B.first)
        second[: B.second.shape[0]] += multiply(A.value, B.second)
    i, j = pairs(s)
    for a, b in ((i, j), (j, i)):
        both = np.flatnonzero((a < A.s) & (b < B.s))
        if both.size:
            second[both] += multiply(A.first[a[both]], B.first[b[both]])
    return Jet(value, first, second)


def stack(old: Jet, mixed: np.ndarray, own_first: np.ndarray, own: np.ndarray) -> Jet:
    """Append m parameters to a jet in s: `mixed` (s, m, *shape), `own_first` (m, *shape), `own` (m, m, *shape)."""
    second = [old.second]
    for b in range(own_first.shape[0]):
        second += [mixed[:, b], own[: b + 1, b]]
    return Jet(old.value, np.concatenate([old.first, own_first]), np.concatenate(second))
