"""`Power`: what `blm.power` returns."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayeslmm.errors import ArgumentError
from bayeslmm.results.table_export import Tabular

GOAL = 0.8
MEASURES = ("power", "type_s", "type_m", "coverage")


@dataclass(frozen=True, repr=False)
class Power(Tabular):
    """What `blm.power` returns; `print` it, take `.table`, or look at `.plot()`.

    Attributes
    ----------
    table
        DataFrame, one row for each design and test: the sizes of the design, `test`, `true` (the true value), `power`,
        `type_s`, `type_m`, `coverage`, each with the ends `..._lower`, `..._upper` of its Monte Carlo interval, `bias`
        (mean estimate less the true value), `sd` of the estimates, `df` (median), `n` data sets that were fitted,
        `failed` ones, `singular` ones (share), `n_rows` of the design.
    sizes
        Names of the columns that tell designs apart.
    alpha
        Level of the tests.
    ddf
        Method of their degrees of freedom.
    level
        Of the Monte Carlo intervals.
    """

    table: pd.DataFrame
    sizes: tuple[str, ...]
    alpha: float
    ddf: str
    level: float

    def plot(self, measure: str = "power", axes: Any = None, width: float = 7.0) -> np.ndarray:
        """Curves against the first size of the design, a line for each value of the second, with Monte Carlo bands.

        Parameters
        ----------
        measure
            "power", "type_s", "type_m" or "coverage".
        axes
            As many axes as there are tests; None makes a figure.
        width
            Of the new figure, in inches.
        """
        from bayeslmm.planning.pictures import plot_power

        if measure not in MEASURES:
            raise ArgumentError(f"plot(measure={measure!r}): it is one of {', '.join(MEASURES)}")
        return plot_power(self, measure, axes, width)

    def __str__(self) -> str:
        n = int(self.table["n"].max())
        head = (
            f"{n} data sets for each design, tests at {self.alpha:g} with {self.ddf} df; in brackets the "
            f"{100 * self.level:g}% Monte Carlo interval"
        )
        shown = self.table[[*self.sizes, "test", "true"]].copy()
        for measure in MEASURES:
            shown[measure] = [self._cell(row, measure) for row in self.table.to_dict("records")]
        lines = [head, "", shown.to_string(index=False, float_format=lambda v: f"{v:g}"), *self._notes()]
        return "\n".join(lines)

    __repr__ = __str__

    def _for_paper(self) -> pd.DataFrame:
        return self.table

    @staticmethod
    def _cell(row: Mapping[Any, Any], measure: str) -> str:
        value, low, high = row[measure], row[f"{measure}_lower"], row[f"{measure}_upper"]
        return "" if np.isnan(value) else f"{value:.2f} [{low:.2f}, {high:.2f}]"

    def _notes(self) -> list[str]:
        lines = [""]
        for test, part in self.table.groupby("test", sort=False):
            reached = part[(part["power"] >= GOAL) & (part["true"] != 0)]
            if len(reached) and self.sizes:
                first = reached.sort_values("n_rows").iloc[0]
                at = ", ".join(f"{s} = {first[s]}" for s in self.sizes)
                lines.append(
                    f"{test}: the smallest design here with a power of {GOAL:g} has {at} ({first['n_rows']} rows)"
                )
            elif self.sizes and (part["true"] != 0).any():
                lines.append(f"{test}: no design here has a power of {GOAL:g}")
        failed = int(self.table["failed"].sum())
        if failed:
            lines.append(f"! {failed} fits failed and do not count")
        singular = float(self.table["singular"].max())
        if singular > 0:
            lines.append(f"up to {100 * singular:.0f}% of the fits of a design are singular; they count as they are")
        return lines if len(lines) > 1 else []
