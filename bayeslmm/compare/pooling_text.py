"""`Pooling` in words: a table for each grouping factor, what moved most, how much is explained and pooled."""

from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayeslmm.compare.pooled_variance import ROWS
from bayeslmm.design import RandomTerm
from bayeslmm.results import rformat

if TYPE_CHECKING:
    from bayeslmm.compare.pooling import Pooling

MEASURES = "R2, and pooling: the share that the data leave open (Gelman & Pardoe 2006)"
FACTOR = "factor: 0 where the level's own data decide, 1 where it gets the mean"


def pooling_text(pooling: "Pooling") -> str:
    """All grouping factors, and the measures of Gelman and Pardoe."""
    blocks = [_block(pooling, t) for t in pooling.fit.design.terms]
    return "\n\n".join([*blocks, _measure_lines(pooling.measures)])


def _block(pooling: "Pooling", term: RandomTerm, most: int = 20) -> str:
    """One grouping factor: a row per level, and a block of columns per varying coefficient."""
    own = pooling.comparable(term)
    own = own[own["term"].isin(term.coefficients)]
    wide = own.pivot(index="level", columns="term").reindex(list(term.levels))
    kinds = {"no_pooling": "none", "reml": "REML", **({"bayes": "Bayes"} if pooling.post else {})}
    levels = ["", *term.levels[:most]]
    rows = ["n", *(str(n) for n in wide[("n", term.coefficients[0])].iloc[:most])]
    left = rformat.columns_as_text(["", ""], [levels, rows], [True, False])
    blocks = [_effect_block(wide, effect, kinds, most) for effect in term.coefficients]
    text = _side_by_side(left.splitlines(), blocks)
    more = [f"... and {term.n_levels - most} more levels"] if term.n_levels > most else []
    complete = own.drop_duplicates("term").set_index("term")["complete"]
    mean = own.groupby("term")["no_pooling"].mean()
    summaries = [
        f"{e}: complete pooling {_number(complete[e])}, mean of the levels alone {_number(mean[e])}"
        for e in term.coefficients
    ]
    title = f"Pooling over {term.group} ({term.n_levels} levels)"
    several = len(pooling.fit.design.terms) > 1 and "(Intercept)" in term.coefficients
    others = ["intercepts: with the mean effects of the other groups"] if several else []
    moved = pooling.movers(1)
    lines = [_mover_line(row) for row in moved[moved["group"] == term.group].itertuples()]
    return "\n".join([title, FACTOR, *others, text, *more, *summaries, *lines])


def _mover_line(row: Any) -> str:
    decimals = rformat.decimals_for([row.reml_se])
    own, pooled = (rformat.short(v, decimals) for v in (row.no_pooling, row.no_pooling + row.moved))
    line = f"{row.term}: {row.level} moved most, from {own} to {pooled} ({row.n} rows): {row.why}"
    return fill(line, 80, subsequent_indent="  ")


def _measure_lines(table: pd.DataFrame) -> str:
    """Explained variance and pooling by term, as text."""
    shown = [c for c in table if c not in ("group", "term", "n")]
    names = {"r2": "R2", "pooling": "pooling", "bayes_r2": "R2, Bayes", "bayes_pooling": "pooling, Bayes"}
    columns = [
        [g if g == ROWS else f"{g}: {t}" for g, t in zip(table["group"], table["term"], strict=True)],
        [str(n) for n in table["n"]],
        *([_share(v) for v in table[c]] for c in shown),
    ]
    text = rformat.columns_as_text(["", "n", *(names[str(c)] for c in shown)], columns, [True, *[False] * len(columns)])
    return f"{MEASURES}\n{text}"


def _share(value: float) -> str:
    return "" if np.isnan(value) else rformat.fixed(value, 3)


def _effect_block(wide: pd.DataFrame, effect: str, kinds: dict[str, str], most: int) -> list[str]:
    """Lines of one coefficient: its name, the kinds of pooling, the levels."""
    values = {kind: wide[(kind, effect)].to_numpy(float)[:most] for kind in kinds}
    decimals = rformat.decimals_for(wide[("reml_se", effect)].to_numpy(float))
    columns = [["" if np.isnan(v) else rformat.short(v, decimals) for v in values[kind]] for kind in kinds]
    columns.append([rformat.fixed(v, 3) for v in wide[("pooling_factor", effect)].to_numpy(float)[:most]])
    text = rformat.columns_as_text([*kinds.values(), "factor"], columns, [False] * (len(kinds) + 1))
    return [effect, *text.splitlines()]


def _side_by_side(left: list[str], blocks: list[list[str]], width: int = 80) -> str:
    """Blocks beside each other as far as they fit, the first column before each row of them."""
    parts, row = [], left
    for block in blocks:
        size = max(map(len, block))
        if row is not left and len(row[0]) + 3 + size > width:
            parts.append(row)
            row = left
        start = max(map(len, row))
        row = [
            f"{a.ljust(start)}   {b.ljust(size) if i == 0 else b.rjust(size)}"
            for i, (a, b) in enumerate(zip(row, block, strict=True))
        ]
    return "\n".join(line.rstrip() for part in [*parts, row] for line in part)


def _number(value: float) -> str:
    return "not estimable" if np.isnan(value) else rformat.format_numbers([value], 3)[0]
