"""The same design again, in another process: from the columns as they were read, by `build`.

Expressions, levels and what transforms learned are not stored: they come out as they did, and `fingerprint` proves it.
"""

import hashlib
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayeslmm.design.build import build
from bayeslmm.design.columns import table
from bayeslmm.design.design import Design
from bayeslmm.design.source import Source
from bayeslmm.design.values import Factor, Numeric, Value
from bayeslmm.errors import DataError, DesignWarning, did_you_mean


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprint:
    """What two builds of one design have in common.

    Attributes
    ----------
    structure
        Digest of all that is not a floating-point number: names, levels, indices, rows.
    moments
        (2 (p + sum of k) + 4,): sums and root sums of squares of the columns of X, of each Z, of the offset and of the
        weights. Another processor may round what a transform learned differently in the last digit.
    """

    structure: str
    moments: np.ndarray

    def fits(self, other: "Fingerprint") -> bool:
        """Whether the two are of the same design, but for rounding."""
        return self.structure == other.structure and np.allclose(self.moments, other.moments, rtol=1e-9, atol=1e-12)


def fingerprint(design: Design) -> Fingerprint:
    """Return the fingerprint of a design; the response does not count."""
    fixed = (design.formula.text, design.response, design.coef_names, design.dropped, sorted(design.contrasts.items()))
    names = (fixed, [(t.group, t.effects, t.blocks, t.levels, sorted(t.apart)) for t in design.terms])
    structure = digest([repr(names).encode(), design.rows, *(t.index for t in design.terms)])
    blocks = [design.X, *(t.Z for t in design.terms), design.offset[:, None], design.weights[:, None]]
    sums = [block.sum(axis=0) for block in blocks]
    lengths = [np.sqrt(np.einsum("ij,ij->j", block, block)) for block in blocks]
    return Fingerprint(structure, np.concatenate([*sums, *lengths]))


def digest(parts: Iterable[np.ndarray | bytes]) -> str:
    """Return a digest of arrays and bytes, in their order."""
    made = hashlib.blake2b(digest_size=16)
    for part in parts:
        made.update(part if isinstance(part, bytes) else np.ascontiguousarray(part).data)
    return made.hexdigest()


def data_hash(source: Source) -> str:
    """Return a digest of the columns that a formula uses; the same for the same data in any kind of frame."""
    return digest(part for name in sorted(source.read) for part in (name.encode(), *_content(source.read[name])))


def _content(value: Value) -> list[np.ndarray | bytes]:
    if isinstance(value, Factor):
        used = value.drop_unused()
        return [repr(used.levels).encode(), used.codes.astype(np.int64)]
    exact = value.integers if isinstance(value, Numeric) else None
    return [np.where(value.missing, np.nan, value.values) + 0.0 if exact is None else exact]


def check_same_data(design: Design, data: Any) -> None:
    """Refuse data that differ from those that a design was built of, in any column that its formula uses.

    Raises
    ------
    DataError
        With the first column that differs, and in how many rows.
    """
    if design.source is None:
        raise DataError("this model was put together by hand, so there are no data to compare with")
    given, own = table(data), design.source.columns
    for name in own.values:
        if name not in given.names:
            raise DataError(f"other data: no column `{name}`{did_you_mean(name, given.names)}")
    found = given.read(list(own.values))
    if found.n != own.n:
        raise DataError(f"other data: {found.n} rows; those of the model have {own.n}")
    for name, value in own.values.items():
        rows = _differing(value, found.values[name])
        if rows.size:
            raise DataError(
                f"other data: column `{name}` differs in {rows.size} of {own.n} rows, first in row {rows[0]} (counted "
                "from 0)"
            )


def _differing(own: Value, given: Value) -> np.ndarray:
    """Return the positions where two columns (n,) differ."""
    if isinstance(own, Factor) != isinstance(given, Factor):
        return np.arange(own.missing.size)
    if isinstance(own, Factor) and isinstance(given, Factor):
        return np.flatnonzero(own.labels() != given.labels())
    assert not isinstance(own, Factor)
    assert not isinstance(given, Factor)
    same = own.values == given.values
    if isinstance(own, Numeric) and isinstance(given, Numeric):
        same &= own.integers is None or given.integers is None or own.integers == given.integers
    return np.flatnonzero(~(same | (own.missing & given.missing)))


def rebuild(
    formula: str,
    source: Source,
    contrasts: Mapping[str, str | pd.DataFrame],
    functions: Mapping[str, Callable[..., Any]] | None = None,
) -> Design:
    """Build a design again; what was warned of the first time is not said twice."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DesignWarning)
        return build(
            formula,
            source.columns,
            weights=source.weights,
            offset=source.offset,
            contrasts=contrasts,
            functions=functions,
        )


def given_contrasts(design: Design) -> dict[str, str | pd.DataFrame]:
    """Return the coding of every factor of the fixed part as the argument `contrasts` that would make it."""
    found: dict[str, str | pd.DataFrame] = {}
    for name, coding in design.recipe.codings.items():
        levels = list(design.recipe.levels[name])
        custom = coding.name == "custom"
        found[name] = pd.DataFrame(coding.matrix, levels, list(coding.suffixes)) if custom else coding.name
    return found
