"""Clusters of rows: what robust standard errors let be dependent."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayeslmm.design.columns import Table, table
from bayeslmm.design.values import as_factor, text_factor
from bayeslmm.errors import ArgumentError, DataError, did_you_mean


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """Which cluster each row belongs to.

    Attributes
    ----------
    name
        The column, or "an array".
    index
        (n,): 0 .. G - 1; every cluster occurs.
    levels
        The G labels.
    """

    name: str
    index: np.ndarray
    levels: tuple[str, ...]

    @property
    def count(self) -> int:
        """Number of clusters G."""
        return len(self.levels)


def clusters(data: Any, cluster: Any, rows: np.ndarray) -> Clusters:
    """Return the clusters of the rows used.

    Parameters
    ----------
    data
        The caller's frame.
    cluster
        A column, combinations of columns as `"batch:cask"`, or an array with one value for each row of the data.
    rows
        (n,): positions of the rows used.

    Raises
    ------
    ArgumentError, DataError
        No such column, another length, a missing value in a row used, or fewer than two clusters.
    """
    source = table(data)
    name = cluster if isinstance(cluster, str) else "an array"
    parts = _columns(source, cluster) if isinstance(cluster, str) else [_array(cluster, source)]
    labels = [part[rows] for part in parts]
    missing = np.any([pd.isna(part) for part in labels], axis=0)
    if missing.any():
        raise DataError(
            f"cluster: `{name}` is missing in {missing.sum()} of the {rows.size} rows used, the first of them row "
            f"{rows[np.flatnonzero(missing)[0]]} (counted from 0); drop these rows from the data first"
        )
    joined = labels[0] if len(labels) == 1 else np.array([":".join(map(str, row)) for row in zip(*labels, strict=True)])
    factor = text_factor(np.array([str(v) for v in joined], dtype=object))
    if len(factor.levels) < 2:
        raise DataError(f"cluster: `{name}` has one value in the rows used; robust errors need two clusters at least")
    return Clusters(name, factor.codes, factor.levels)


def _columns(source: Table, cluster: str) -> list[np.ndarray]:
    """Labels (N,) of each column that is named."""
    names = [cluster] if cluster in source.names else cluster.split(":")
    for name in names:
        if name not in source.names:
            raise DataError(f"cluster: no column `{name}` in the data" + did_you_mean(name, source.names))
    read = source.read(names, labels=names)
    return [as_factor(read.values[name]).labels() for name in names]


def _array(cluster: Any, source: Table) -> np.ndarray:
    values = np.asarray(cluster, dtype=object)
    n = source.read(source.names[:1], labels=source.names[:1]).n
    if values.shape != (n,):
        raise ArgumentError(
            f"cluster: an array of shape {values.shape} for {n} rows; give a column's name, or one value for each row "
            "of the data"
        )
    return values
