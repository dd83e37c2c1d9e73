"""Predicted means of a fit, for the rows that were fitted or for new ones."""

from collections.abc import Collection
from typing import Any, Literal

import narwhals as nw
import numpy as np
import pandas as pd

from bayeslmm.design import Design, NewRows, NewTerm
from bayeslmm.errors import ArgumentError, DataError, did_you_mean
from bayeslmm.point.estimates import Estimates

NewLevels = Literal["error", "population"]


def predict_fit(
    design: Design,
    estimates: Estimates,
    newdata: Any,
    re: str | Collection[str],
    new_levels: NewLevels,
) -> pd.Series:
    """offset + X beta + Z b with the random effects of the chosen groups."""
    groups = chosen_groups(design, re)
    if new_levels not in ("error", "population"):
        raise ArgumentError(f'new_levels="{new_levels}" is not known; it is "error" or "population"')
    rows = fitted_rows(design) if newdata is None else design.recipe.rows(newdata, groups=groups)
    value = rows.offset + rows.X @ estimates.beta
    for term, new, b in zip(design.terms, rows.terms, estimates.b, strict=True):
        if term.group in groups:
            refuse_new_levels(term.group, new, new_levels)
            unknown = 0.0 if new_levels == "population" else np.nan
            known = np.append(b, np.full((1, term.k), unknown), axis=0)[new.index]
            value = value + np.einsum("nk,nk->n", new.Z, known)
    return pd.Series(value, index=row_index(design, newdata), name="predicted")


def chosen_groups(design: Design, re: str | Collection[str]) -> frozenset[str]:
    """Names of the grouping factors that `re` asks for."""
    known = [t.group for t in design.terms]
    if isinstance(re, str):
        if re in ("all", "none"):
            return frozenset(known if re == "all" else ())
        re = [re]
    for name in re:
        if name not in known:
            raise ArgumentError(
                f're: no grouping factor `{name}` in the model; use "all", "none" or names' + did_you_mean(name, known)
            )
    return frozenset(re)


def fitted_rows(design: Design) -> NewRows:
    """The rows that were fitted, in the shape of new rows."""
    terms = tuple(NewTerm(t.Z, t.index, np.array(t.levels, dtype=object)[t.index]) for t in design.terms)
    return NewRows(design.X, terms, design.offset)


def refuse_new_levels(group: str, new: NewTerm, new_levels: str) -> None:
    """Raise where a level is unknown and that was not allowed for; one that is missing is not unknown."""
    if new_levels != "error":
        return
    unknown = sorted({str(v) for v in new.labels[new.index < 0]} - {"NA"})
    if unknown:
        shown = ", ".join(f"`{u}`" for u in unknown[:5]) + (", ..." if len(unknown) > 5 else "")
        raise DataError(
            f"`{group}` has levels in the new data that were not in the fit: {shown}. "
            'Use new_levels="population" for their population value, or re="none".'
        )


def row_index(design: Design, newdata: Any) -> pd.Index:
    """The index of the answer: that of the new pandas frame, or the positions of the rows used."""
    if newdata is None:
        return pd.Index(design.rows)
    if isinstance(newdata, pd.DataFrame):
        return newdata.index
    if isinstance(newdata, dict):
        return pd.RangeIndex(len(next(iter(newdata.values()))))
    frame = nw.from_native(newdata)
    return pd.RangeIndex(frame.select(nw.len()).collect().item() if isinstance(frame, nw.LazyFrame) else len(frame))
