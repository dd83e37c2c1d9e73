"""Designs as data frames: crossed and nested groups, balanced or not, with dropout and rows missing at random.

Each helper gives a plain data frame: predictors are added with `.assign(...)`, two designs joined with `.merge(...)`.
"""

from collections.abc import Iterable
from itertools import product
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd

from bayeslmm.errors import ArgumentError, DataError, check_whole, did_you_mean
from bayeslmm.planning.frames import as_pandas
from bayeslmm.point.seeds import generator

type Size = Any


def crossed(rows: int = 1, **factors: Size) -> pd.DataFrame:
    """All combinations of factors, each `rows` times.

    Parameters
    ----------
    rows
        How many rows each combination has.
    **factors
        By name: a number of levels (labels are made: `s01`, `s02`, ...), or the levels or values themselves, such as
        `day=range(10)` or `condition=["a", "b"]`. An underscore at the end of a name is left out: `class_` is `class`.

    Returns
    -------
    DataFrame
        One column a factor; the first varies slowest.

    Raises
    ------
    ArgumentError
        No factor, or a size that is no whole number of at least 1.

    Examples
    --------
    >>> crossed(subject=20, item=12).shape
    (240, 2)
    >>> crossed(subject=2, day=[0, 7])["subject"].tolist()
    ['s1', 's1', 's2', 's2']
    """
    if not factors:
        raise ArgumentError("crossed() needs a factor: crossed(subject=20, item=12)")
    rows = _count("rows", rows)
    names = [_column(name) for name in factors]
    values = [_values(name, size) for name, size in factors.items()]
    table = [combination for combination in product(*values) for _ in range(rows)]
    return pd.DataFrame(table, columns=names)


def nested(seed: int | np.random.Generator | None = None, **factors: Size) -> pd.DataFrame:
    """Each level of a factor has levels of the next one of its own: schools, classes, pupils.

    Labels say where they belong (`3.2` is the second class of school 3), so that no label is used twice.

    Parameters
    ----------
    seed
        Of sizes that are drawn.
    **factors
        From the outermost to the innermost, which is the rows: a number within each level of the one before; (low,
        high) for numbers drawn evenly from low to high; or a list with one number for each level of the one before. An
        underscore at the end of a name is left out.

    Returns
    -------
    DataFrame
        One column a factor.

    Raises
    ------
    ArgumentError
        Fewer than two factors, or sizes that cannot be.

    Examples
    --------
    >>> nested(school=10, class_=4, pupil=20).shape
    (800, 3)
    >>> nested(school=2, pupil=[1, 3])["pupil"].tolist()
    ['1.1', '2.1', '2.2', '2.3']
    """
    if len(factors) < 2:
        raise ArgumentError("nested() needs two factors or more: nested(school=10, pupil=20)")
    rng = generator(seed)
    paths: list[tuple[int, ...]] = [()]
    for name, size in factors.items():
        sizes = _sizes(name, size, len(paths), rng)
        paths = [(*path, i + 1) for path, own in zip(paths, sizes, strict=True) for i in range(own)]
    columns = {
        _column(name): [".".join(map(str, path[: depth + 1])) for path in paths] for depth, name in enumerate(factors)
    }
    return pd.DataFrame(columns)


def dropout(data: Any, by: str, over: str, rate: float, seed: int | np.random.Generator | None = None) -> pd.DataFrame:
    """Let levels of a group drop out for good: after each occasion with the same probability.

    Parameters
    ----------
    data
        The design: any data frame.
    by
        Who drops out: a column of groups.
    over
        The occasions, in whose order rows are lost.
    rate
        Probability of being gone from one occasion to the next, 0 to 1; the first occasion is complete.
    seed
        Of the random numbers.

    Returns
    -------
    DataFrame
        The rows that are left, with their index.

    Raises
    ------
    ArgumentError, DataError
        A rate outside of 0 to 1, or a column that there is not, or that has missing values.

    Examples
    --------
    >>> left = dropout(crossed(subject=100, day=range(5)), by="subject", over="day", rate=0.2, seed=1)
    >>> left.groupby("day").size().tolist()[:2]
    [100, 81]
    """
    data = as_pandas(data)
    _check_columns(data, (by, over))
    rate = _share("rate", rate)
    rng = generator(seed)
    group = pd.factorize(data[by])[0]
    occasion = pd.factorize(data[over], sort=True)[0]
    J = int(group.max()) + 1
    stays = np.full(J, np.iinfo(np.int64).max) if rate == 0 else rng.geometric(rate, size=J)
    return data[occasion < stays[group]]


def thinned(data: Any, share: float, seed: int | np.random.Generator | None = None) -> pd.DataFrame:
    """Leave out a share of the rows at random.

    Parameters
    ----------
    data
        The design: any data frame.
    share
        Probability that a row is left out, 0 to 1.
    seed
        Of the random numbers.

    Returns
    -------
    DataFrame
        The rows that are left, with their index.
    """
    data, share = as_pandas(data), _share("share", share)
    return data[generator(seed).random(size=len(data)) >= share]


def _column(name: str) -> str:
    return name.removesuffix("_") or name


def _values(name: str, size: Size) -> list[Any]:
    if isinstance(size, Integral | float):
        J = _count(name, size)
        return [f"{name[0]}{i + 1:0{len(str(J))}}" for i in range(J)]
    if isinstance(size, str) or not isinstance(size, Iterable):
        raise ArgumentError(f"{name}={size!r}: give a number of levels, or a list of them")
    values = list(size)
    if not values:
        raise ArgumentError(f"{name}={size!r} has no levels")
    return values


def _sizes(name: str, size: Size, parents: int, rng: np.random.Generator) -> list[int]:
    if isinstance(size, tuple) and len(size) == 2:
        low, high = _count(name, size[0]), _count(name, size[1])
        if low > high:
            raise ArgumentError(f"{name}={size!r}: the smaller number comes first")
        return rng.integers(low, high, size=parents, endpoint=True).tolist()
    if isinstance(size, list | np.ndarray):
        if len(size) != parents:
            raise ArgumentError(f"{name} has {len(size)} sizes; the factor before has {parents} levels, one for each")
        return [_count(name, s) for s in size]
    return [_count(name, size)] * parents


def _count(name: str, value: Any) -> int:
    check_whole(name, value)
    return int(value)


def _share(name: str, value: float) -> float:
    if not isinstance(value, Real) or not 0 <= value < 1:
        raise ArgumentError(f"{name}={value!r} must be a number, at least 0 and below 1")
    return float(value)


def _check_columns(data: pd.DataFrame, names: Iterable[str]) -> None:
    for name in names:
        if name not in data.columns:
            raise DataError(f"no column `{name}` in the design{did_you_mean(name, data.columns)}")
        if count := int(data[name].isna().sum()):
            raise DataError(f"`{name}` is missing in {count} of {len(data)} rows of the design; drop these rows first")
