"""`fit.missing()`: which rows were left out for missing values, why, and how they lie in the groups."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayeslmm.design import Design, RandomTerm
from bayeslmm.design.bars import Group
from bayeslmm.design.evaluate import Context, evaluate
from bayeslmm.design.source import Source
from bayeslmm.design.values import Factor, Logical, Numeric, Value, as_factor
from bayeslmm.errors import ArgumentError
from bayeslmm.results.table_export import Tabular

MOST_SHOWN = 8


@dataclass(frozen=True, repr=False)
class Missing(Tabular):
    """What `fit.missing()` returns; `print` it, or take its tables.

    Attributes
    ----------
    n, n_used
        Rows of the data, and rows used.
    variables
        DataFrame by column: `missing` values, `share` of the rows, `alone`: rows that were lost for it alone.
    patterns
        DataFrame: `missing` (the columns without a value, joined by commas) and `rows`, most frequent first.
    groups
        DataFrame: `group`, `level`, `rows`, `lost`, `share`, by share within each grouping factor; a row whose own
        group is missing has the level "NA".
    differences
        DataFrame by numeric column: `used` (mean in the rows used), `lost` (mean in the rows left out, where it is
        known), `known` (how many those are), `difference` in sds of the rows used. What differs is a reason to doubt
        that values are missing at random.
    """

    n: int
    n_used: int
    variables: pd.DataFrame
    patterns: pd.DataFrame
    groups: pd.DataFrame
    differences: pd.DataFrame

    @property
    def n_lost(self) -> int:
        """Rows left out."""
        return self.n - self.n_used

    def __str__(self) -> str:
        if not self.n_lost:
            return f"nothing is missing: all {self.n} rows were used"
        share = 100 * self.n_lost / self.n
        lines = [f"{self.n_lost} of {self.n} rows ({share:.1f}%) were left out: a value is missing", ""]
        lines += [_text(self.variables[self.variables["missing"] > 0]), "", *self._group_lines()]
        apart = self.differences[self.differences["difference"].abs() > 0.25]
        if len(apart):
            lines += ["", "what differs in the rows left out:", _text(apart)]
        return "\n".join(lines)

    __repr__ = __str__

    def _group_lines(self) -> list[str]:
        lines = []
        for group, part in self.groups.groupby("group", sort=False):
            gone = part[part["lost"] == part["rows"]]
            touched = part[part["lost"] > 0]
            worst = touched.iloc[:MOST_SHOWN]
            named = ", ".join(f"{r.level} ({r.lost} of {r.rows})" for r in worst.itertuples())
            more = ", ..." if len(touched) > MOST_SHOWN else ""
            lines.append(f"{group}: {len(touched)} of {len(part)} levels lost rows, most {named}{more}")
            if len(gone):
                names = ", ".join(map(str, gone["level"].iloc[:MOST_SHOWN]))
                are = "level is" if len(gone) == 1 else "levels are"
                lines.append(f"  {len(gone)} {are} gone altogether: {names}{', ...' if len(gone) > MOST_SHOWN else ''}")
        return lines

    def _for_paper(self) -> pd.DataFrame:
        return self.variables


def missing(design: Design) -> Missing:
    """Look at the rows that a design left out.

    Raises
    ------
    ArgumentError
        The design was put together by hand, so that nobody knows what it left out.
    """
    source = design.source
    if source is None:
        raise ArgumentError("missing: this design was put together by hand; only one that was built from data knows")
    lost = np.ones(source.n, dtype=bool)
    lost[design.rows] = False
    absent = _absent(source)
    return Missing(
        source.n,
        design.n,
        _variables(absent, lost),
        _patterns(absent, lost),
        _groups(design, source, lost),
        _differences(source, lost),
    )


def _absent(source: Source) -> dict[str, np.ndarray]:
    """For each column, and for arrays given as weights or offset: (n,), which rows have no value."""
    found = {name: value.missing for name, value in source.read.items()}
    for name in ("weights", "offset"):
        given = getattr(source, name)
        if isinstance(given, np.ndarray):
            found[f"{name}="] = np.isnan(given)
    return found


def _variables(absent: dict[str, np.ndarray], lost: np.ndarray) -> pd.DataFrame:
    count = np.sum(list(absent.values()), axis=0)
    rows = {name: (int(m.sum()), float(m.mean()), int((m & (count == 1) & lost).sum())) for name, m in absent.items()}
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["missing", "share", "alone"])
    return table.rename_axis("variable").sort_values("missing", ascending=False, kind="stable")


def _patterns(absent: dict[str, np.ndarray], lost: np.ndarray) -> pd.DataFrame:
    names = list(absent)
    codes = np.column_stack(list(absent.values()))[lost]
    found, counts = np.unique(codes, axis=0, return_counts=True)
    labels = [", ".join(n for n, m in zip(names, row, strict=True) if m) for row in found]
    table = pd.DataFrame({"missing": pd.Series(labels, dtype=object), "rows": counts})
    return table.sort_values("rows", ascending=False, kind="stable", ignore_index=True)


def _groups(design: Design, source: Source, lost: np.ndarray) -> pd.DataFrame:
    context = Context(source.columns.values, source.n, design.formula.text, design.recipe.functions, {})
    parts = []
    for term in design.terms:
        labels = pd.Series(_labels(_group(design, term), context), dtype=object)
        table = pd.DataFrame({"level": labels, "lost": lost}).groupby("level", sort=False)["lost"].agg(["size", "sum"])
        table = table.rename(columns={"size": "rows", "sum": "lost"}).reset_index()
        table.insert(0, "group", term.group)
        table["share"] = table["lost"] / table["rows"]
        parts.append(table.sort_values(["share", "lost"], ascending=False, kind="stable"))
    columns = ["group", "level", "rows", "lost", "share"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def _group(design: Design, term: RandomTerm) -> Group:
    return next(bar.group for bar in design.formula.random if bar.group.name == term.group)


def _labels(group: Group, context: Context) -> np.ndarray:
    """(n,): the level of every row of the data, "NA" where it is missing."""
    factors: list[Factor] = [as_factor(evaluate(v.node, context)) for v in group.variables]
    parts = [np.where(f.missing, "NA", f.labels()).astype(object) for f in factors]
    return parts[0] if len(parts) == 1 else np.array([":".join(row) for row in zip(*parts, strict=True)], dtype=object)


def _differences(source: Source, lost: np.ndarray) -> pd.DataFrame:
    rows = {}
    for name, values in _numeric(source.read):
        used, left_out = values[~lost & ~np.isnan(values)], values[lost & ~np.isnan(values)]
        sd = float(used.std(ddof=1)) if used.size > 1 else 0.0
        mean = float(left_out.mean()) if left_out.size else np.nan
        apart = (mean - float(used.mean())) / sd if sd > 0 else np.nan
        rows[name] = (float(used.mean()) if used.size else np.nan, mean, left_out.size, apart)
    columns = ["used", "lost", "known", "difference"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("variable")


def _numeric(columns: Mapping[str, Value]) -> Iterator[tuple[str, np.ndarray]]:
    for name, value in columns.items():
        if isinstance(value, Numeric | Logical):
            yield name, value.values


def _text(table: pd.DataFrame) -> str:
    return table.to_string(float_format=lambda v: f"{v:.3g}")
