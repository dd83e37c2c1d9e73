"""Any table as text, cell by cell: what HTML, Markdown, LaTeX and great_tables are made of.

p-values are as the APA writes them. Numbers of one row that share its unit (estimate, se, ends of an interval) have the
same decimals, so many that the standard error shows three digits; other columns have decimals of their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayeslmm.errors import ArgumentError
from bayeslmm.results import rformat
from bayeslmm.results.apa.numbers import probability

SAME_UNIT = ("estimate", "mean", "median", "se", "sd", "lower", "upper", "prior_sd")
ERRORS = ("se", "sd")
DECIMALS = {
    **dict.fromkeys(("df", "den_df", "DenDF", "DenDf", "t", "z", "F", "Chisq", "AIC", "below", "near", "overlap"), 2),
    **dict.fromkeys(("num_df", "NumDF", "ess_bulk", "ess_tail"), 0),
    **dict.fromkeys(("criterion", "LRT", "rhat"), 3),
}
P_VALUES = ("p", "p_boundary", "p_adjusted", "gg_p", "hf_p", "W_p")
SIGNIFICANT, MOST_DECIMALS = 3, 6
MISSING = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Cells:
    """A table as text.

    Attributes
    ----------
    header
        (c,): names of the columns; the index first, where it says something.
    rows
        (r, c): the cells.
    numeric
        (c,): which columns are numbers, for alignment.
    values
        (r, c): what stands behind the cells, for sorting.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[bool, ...]
    values: tuple[tuple[Any, ...], ...]


def cells_of(frame: pd.DataFrame | pd.Series) -> Cells:
    """Return a data frame or a series as text.

    Raises
    ------
    ArgumentError
        It is something else.
    """
    if isinstance(frame, pd.Series):
        frame = frame.to_frame(frame.name if frame.name is not None else "value")
    if not isinstance(frame, pd.DataFrame):
        raise ArgumentError(f"a table is a data frame or a series; got {type(frame).__name__}")
    flat = _flat(frame)
    columns = [flat.iloc[:, j] for j in range(flat.shape[1])]
    header = [str(name) for name in flat.columns]
    texts = _texts(header, columns)
    numeric = tuple(_is_number(c) for c in columns)
    values = tuple(zip(*(c.tolist() for c in columns), strict=True))
    return Cells(tuple(header), tuple(zip(*texts, strict=True)), numeric, values)


def _flat(frame: pd.DataFrame) -> pd.DataFrame:
    """The index as columns, where it is more than the number of a row; headers in one line."""
    flat = frame.copy()
    if isinstance(flat.columns, pd.MultiIndex):
        flat.columns = pd.Index([" ".join(str(part) for part in name if str(part)) for name in flat.columns])
    if isinstance(flat.index, pd.RangeIndex) and flat.index.name is None:
        return flat
    names = ["" if name is None else str(name) for name in flat.index.names]
    index = flat.index.to_frame(index=False).set_axis(names, axis=1)
    return pd.concat([index, flat.reset_index(drop=True)], axis=1)


def _texts(header: Sequence[str], columns: Sequence[pd.Series]) -> list[list[str]]:
    shared = [j for j, name in enumerate(header) if name in SAME_UNIT and _is_number(columns[j])]
    units = np.column_stack([np.zeros((len(columns[0]), 0)), *(_floats(columns[j]) for j in shared)])
    errors = [i for i, j in enumerate(shared) if header[j] in ERRORS]
    places = [_row_decimals(row, row[errors]) for row in units]
    texts = []
    for j, (name, column) in enumerate(zip(header, columns, strict=True)):
        if j in shared:
            texts.append([_number(v, d) for v, d in zip(_floats(column), places, strict=True)])
        elif not _is_number(column):
            texts.append([_word(v) for v in column])
        elif name in P_VALUES:
            texts.append([_p_value(v) for v in _floats(column)])
        else:
            texts.append(_column(name, column))
    return texts


def _column(name: str, column: pd.Series) -> list[str]:
    values = _floats(column)
    finite = values[np.isfinite(values)]
    if finite.size and np.all(finite == np.round(finite)) and np.abs(finite).max() < 1e7:
        return [_number(v, 0) for v in values]
    decimals = DECIMALS.get(name, min(MOST_DECIMALS, rformat.decimals_for(np.abs(finite), SIGNIFICANT)))
    return [_number(v, decimals) for v in values]


def _row_decimals(row: np.ndarray, errors: np.ndarray) -> int:
    """Decimals for numbers of one unit: by the standard error, or by the smallest of them where there is none."""
    known = errors[np.isfinite(errors) & (errors > 0)]
    sizes = known if known.size else np.abs(row[np.isfinite(row) & (row != 0)])
    if not sizes.size:
        return SIGNIFICANT - 1
    return int(np.clip(SIGNIFICANT - 1 - np.floor(np.log10(sizes.min())), 0, MOST_DECIMALS + 2))


def _number(value: float, decimals: int) -> str:
    """A number, in scientific notation where its decimals would say nothing."""
    if np.isnan(value):
        return MISSING
    if np.isinf(value):
        return "\N{INFINITY}" if value > 0 else "\N{MINUS SIGN}\N{INFINITY}"
    lost = value != 0 and abs(value) < 0.5 * 10.0**-decimals and decimals >= MOST_DECIMALS
    text = f"{value:.2e}" if lost or abs(value) >= 1e9 else rformat.fixed(value, decimals)
    return text.replace("-", "\N{MINUS SIGN}")


def _p_value(p: float) -> str:
    return MISSING if np.isnan(p) else probability(p).removeprefix("= ")


def _word(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    return MISSING if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)) else str(value)


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def _floats(column: pd.Series) -> np.ndarray:
    return np.asarray(column.to_numpy(dtype=float, na_value=np.nan))
