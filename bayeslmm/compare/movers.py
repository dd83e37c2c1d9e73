"""Which levels partial pooling moved most, and why: few rows, noisy, extreme, or carried along by another effect.

A level by itself has coefficients of its own also where the model has a common one: its intercept then belongs to a
line with another slope.
"""

import numpy as np
import pandas as pd

FEW = 0.6
NOISY = 1.5
EXTREME = 1.5


def with_moves(table: pd.DataFrame, shift: np.ndarray) -> pd.DataFrame:
    """Add `moved` and `why` to the rows of one grouping factor.

    Parameters
    ----------
    table
        Rows of `Pooling.table`.
    shift
        (rows,): what the mean effects of the other grouping factors add to the pooled coefficient, which the level's
        own estimate has in it.

    Returns
    -------
    DataFrame
        With `moved`: partial pooling (REML) less the level's own estimate, NaN where there is none or the effect does
        not vary; `why`: "" there.
    """
    varying = table["pooling_factor"].notna()
    pooled = table["reml"] + shift
    moved = (pooled - table["no_pooling"]).where(varying)
    apart = _common(table[~varying & table["no_pooling"].notna()])
    parts = [_reasons(own, pooled[own.index], apart) for _, own in table[varying].groupby("term", sort=False)]
    why = pd.concat(parts) if parts else pd.Series(dtype=object)
    return table.assign(moved=moved, why=why.reindex(table.index).fillna(""))


def _common(held: pd.DataFrame) -> str:
    """Coefficients that a level estimates and the model has in common for all, in words; "" where there is none."""
    names = [str(t) for t in held["term"].unique()]
    return ", ".join(names) if len(names) < 4 else f"{', '.join(names[:3])}, ..."


def _reasons(own: pd.DataFrame, pooled: pd.Series, common: str) -> pd.Series:
    """Why each level moved, for one effect."""
    alone, se = own["no_pooling"].to_numpy(float), own["no_pooling_se"].to_numpy(float)
    known = np.isfinite(alone)
    if (own["pooling_factor"] > 1 - 1e-6).all():
        words = np.where(known, "no variance between levels is estimated: all get the mean", "")
        return pd.Series(words, index=own.index, dtype=object)
    centre = float(np.median(pooled))
    away = np.abs(alone - centre)
    spread = float(np.std(alone[known], ddof=1)) if known.sum() > 1 else np.inf
    few = own["n"].to_numpy() < FEW * own["n"].median()
    noisy = se > NOISY * (np.nanmedian(se) if np.isfinite(se).any() else np.inf)
    extreme = away > EXTREME * spread
    outward = (np.abs(pooled.to_numpy() - centre) > away) & (np.sign(pooled - centre) == np.sign(alone - centre))
    return pd.Series(
        [_words(common, *row) if k else "" for k, *row in zip(known, few, noisy, extreme, outward, strict=True)],
        index=own.index,
        dtype=object,
    )


def _words(common: str, few: bool, noisy: bool, extreme: bool, outward: bool) -> str:
    found = [w for w, is_so in (("few rows", few), ("noisy", noisy and not few), ("extreme", extreme)) if is_so]
    if outward:
        found.append(f"carried outward by {f'the common {common}' if common else 'what its other effects say'}")
    return ", ".join(found) or "pulled as the others are"


def movers(table: pd.DataFrame, most: int) -> pd.DataFrame:
    """The levels that moved most, per grouping factor and effect, the farthest first."""
    moved = table[table["moved"].notna() & (table["moved"] != 0)]
    order = moved["moved"].abs().sort_values(ascending=False, kind="stable").index
    first = moved.loc[order].groupby(["group", "term"], sort=False).head(most)
    place = {key: i for i, key in enumerate(dict.fromkeys(zip(table["group"], table["term"], strict=True)))}
    keys = [place[key] for key in zip(first["group"], first["term"], strict=True)]
    first = first.iloc[np.argsort(keys, kind="stable")]
    columns = ["group", "term", "level", "n", "no_pooling", "no_pooling_se", "reml", "reml_se", "moved"]
    columns += ["pooling_factor", "why"]
    return first[columns].reset_index(drop=True)
