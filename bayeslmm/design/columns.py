"""Any data frame -> its columns as numbers, logicals or factors.

Whatever narwhals reads is welcome (pandas, polars, pyarrow, lazy frames), and a dict of columns. Only the columns
asked for are read; the caller's data are never changed.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from bayeslmm.design.levels import label
from bayeslmm.design.values import Factor, Logical, Numeric, Value, text_factor
from bayeslmm.errors import DataError


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A frame of which columns are read when asked for; `index` names the rows where the caller's frame does."""

    frame: Any
    names: tuple[str, ...]
    index: pd.Index | None = None

    def read(self, names: Collection[str], labels: Collection[str] = ()) -> "Columns":
        """Return the named columns, which must exist; those in `labels` may mix numbers and text."""
        counts = Counter(self.names)
        for name in names:
            if counts[name] > 1:
                raise DataError(f"{counts[name]} columns of the data are called `{name}`; rename all but one")
        if isinstance(self.frame, Columns):
            return Columns({name: self.frame.values[name] for name in names}, self.frame.n)
        if isinstance(self.frame, pd.DataFrame):
            found = {name: _series(self.frame, name, self.names) for name in names}
            return Columns({k: _from_pandas(s, k, k in labels) for k, s in found.items()}, len(self.frame))
        return _read_narwhals(self.frame, names)


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Columns by name, and the number of rows."""

    values: Mapping[str, Value]
    n: int


def table(data: Any) -> Table:
    """Return the caller's data as a `Table`.

    Raises
    ------
    DataError
        If it is no data frame.
    """
    if isinstance(data, Columns):
        return Table(data, tuple(data.values))
    index = data.index if isinstance(data, pd.DataFrame) else None
    if isinstance(data, Mapping):
        data = _from_mapping(data)
    if isinstance(data, pd.DataFrame):
        return Table(data, tuple(str(c) for c in data.columns), index)
    try:
        frame = nw.from_native(data)
    except TypeError as error:
        raise DataError(
            f"data is of type {type(data).__name__}; give a data frame (pandas, polars, pyarrow) or a dict of columns"
            + ("; a file is read first, with pandas.read_csv say" if isinstance(data, str | PathLike) else "")
            + ("; a list of imputed frames goes to blm.lmer or blm.brm" if isinstance(data, list) else "")
        ) from error
    names = frame.collect_schema().names()
    return Table(frame, tuple(names))


def _from_mapping(data: Mapping[str, Any]) -> pd.DataFrame:
    lengths = {str(k): np.shape(v)[0] for k, v in data.items() if np.ndim(v) > 0}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"`{k}` {v}" for k, v in list(lengths.items())[:6])
        raise DataError(f"the columns of the data differ in length: {shown}")
    index = None if lengths else [0]
    return pd.DataFrame(
        {k: v.array if isinstance(v, pd.Series) else v for k, v in data.items()}, index=index, copy=False
    )


def _read_narwhals(frame: Any, names: Collection[str]) -> Columns:
    part = frame.select(*names) if names else frame
    if isinstance(part, nw.LazyFrame):
        part = part.collect()
    return Columns({name: _from_narwhals(part[name], name) for name in names}, len(part))


def _from_narwhals(series: nw.Series, name: str) -> Value:
    if series.implementation.is_pyarrow():
        return _from_pandas(series.to_native().to_pandas(), name)  # narwhals would lose the order of the levels
    if not series.implementation.is_polars():
        return _from_pandas(series.to_pandas(), name)
    dtype = series.dtype
    if isinstance(dtype, nw.Enum):
        codes = pd.Categorical(series.cast(nw.String).to_list(), categories=list(dtype.categories)).codes
        return Factor(codes.astype(np.int64), tuple(dtype.categories))
    if dtype == nw.Categorical or dtype == nw.String:
        return text_factor(np.array(series.cast(nw.String).to_list(), dtype=object))
    if dtype == nw.Boolean:
        return Logical(series.cast(nw.Float64).to_numpy().astype(float))
    if dtype.is_integer():
        exact = series.fill_null(0).cast(nw.Int64).to_numpy()
        return Numeric(series.cast(nw.Float64).to_numpy().astype(float), integers=exact)
    if dtype.is_numeric():
        return Numeric(series.cast(nw.Float64).to_numpy().astype(float))
    return _from_pandas(pd.Series(series.to_list(), name=name), name)


def _series(frame: pd.DataFrame, name: str, names: tuple[str, ...]) -> pd.Series:
    """Return the column that is called so, by its name where that is a text: several times faster than by position."""
    if name in frame.columns:
        found = frame[name]
        if isinstance(found, pd.Series):
            return found
    return frame.iloc[:, names.index(name)]


def _from_pandas(series: pd.Series, name: str, mixed: bool = False) -> Value:
    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _categorical(series)
    if isinstance(dtype, np.dtype) and dtype.kind in "fi":
        given = series.to_numpy()
        values = given.astype(float)  # a copy: later changes of the caller's frame must not reach it
        return Numeric(values, integers=given.astype(np.int64, copy=False) if dtype.kind == "i" else None)
    if pd.api.types.is_bool_dtype(dtype):
        return Logical(series.to_numpy(dtype=float, na_value=np.nan))
    if pd.api.types.is_complex_dtype(dtype):
        raise DataError(f"column `{name}` holds complex numbers; give real ones")
    if pd.api.types.is_integer_dtype(dtype):
        return _integers(series)
    if pd.api.types.is_numeric_dtype(dtype):
        return Numeric(series.to_numpy(dtype=float, na_value=np.nan))
    if isinstance(dtype, pd.PeriodDtype) or dtype.kind in "Mm":
        return _dates(series)
    return _objects(series, name, mixed)


def _integers(series: pd.Series) -> Numeric:
    values = series.to_numpy(dtype=float, na_value=np.nan)
    exact = series.fillna(0) if series.hasnans else series
    try:
        return Numeric(values, integers=exact.to_numpy(dtype=np.int64))
    except OverflowError:
        return Numeric(values)


def _categorical(series: pd.Series) -> Factor:
    given = series.array
    found = given.categories.tolist()
    levels = tuple(map(str if set(map(type, found)) <= {str, int} else label, found))
    return Factor(given.codes.astype(np.int64), levels, bool(given.ordered))


def _dates(series: pd.Series) -> Factor:
    codes, found = pd.factorize(series, sort=True)
    return Factor(codes.astype(np.int64), tuple(str(x) for x in found), kind="date")


def _objects(series: pd.Series, name: str, mixed: bool) -> Value:
    kind = pd.api.types.infer_dtype(series, skipna=True)
    if kind in ("string", "empty"):
        return text_factor(series.to_numpy(dtype=object))
    if kind == "boolean":
        return Logical(pd.to_numeric(series.astype("boolean").astype("Float64")).to_numpy(dtype=float, na_value=np.nan))
    if kind in ("integer", "floating", "mixed-integer-float", "decimal"):
        return Numeric(pd.to_numeric(series.astype("Float64")).to_numpy(dtype=float, na_value=np.nan))
    if kind in ("datetime", "datetime64", "date", "timedelta", "timedelta64", "period", "time"):
        return _dates(series)
    if mixed:
        return text_factor(np.array([None if pd.isna(x) else label(x) for x in series], dtype=object))
    found = sorted({type(x).__name__ for x in series.dropna()})
    raise DataError(f"column `{name}` mixes {', '.join(found)}; make it all numbers or all text")
