"""Simulation-based residuals with their tests: `fit.quantile_residuals()`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from bayeslmm.errors import ArgumentError
from bayeslmm.point.bands import quantile_residuals, rank_p_value, simultaneous_band, uniform_distance
from bayeslmm.point.influence import Base
from bayeslmm.point.seeds import generator
from bayeslmm.point.simulated import Standardised, simulate_and_standardise
from bayeslmm.results import rformat
from bayeslmm.results.simulations import Seed
from bayeslmm.results.table_export import Tabular

if TYPE_CHECKING:
    from bayeslmm.results.fit import Fit

Of = Literal["conditional", "marginal"]
LEAST, MOST, NUMBERS, LIMIT = 99, 999, 5_000_000, 40_000_000


@dataclass(frozen=True, repr=False)
class QuantileResiduals(Tabular):
    """What `fit.quantile_residuals()` returns; `print` it, take `.values` or `.tests`, or `plot()` it.

    Attributes
    ----------
    values
        Series by row: the share of simulated values below the observed one; uniform on (0, 1) where the model holds.
    tests
        DataFrame by test (uniformity, dispersion, outliers): `statistic`, what is `expected` (the mean of the
        simulations), `p`.
    of
        "conditional" or "marginal".
    n
        Number of simulated data sets.
    band
        (n, 2): simultaneous 95% band of the sorted values.
    fitted
        (n,): fitted values, for the plot.
    """

    values: pd.Series
    tests: pd.DataFrame
    of: Of
    n: int
    band: np.ndarray
    fitted: np.ndarray

    def __str__(self) -> str:
        what = {
            "uniformity": "distance from the uniform distribution",
            "dispersion": "mean square over what the model expects",
            "outliers": "rows beyond all simulated values",
        }
        columns = [
            list(self.tests.index),
            [what[str(i)] for i in self.tests.index],
            *(rformat.format_numbers(self.tests[c].to_numpy(dtype=float), 3) for c in ("statistic", "expected")),
            rformat.format_p_values(self.tests["p"].to_numpy(dtype=float)),
        ]
        table = rformat.columns_as_text(["", "", "observed", "expected", "p"], columns, [True, True, *[False] * 3])
        return (
            f"Quantile residuals ({self.of}) of {len(self.values)} rows by {self.n} simulations\n\n{table}\n\n"
            "p-values by rank among the simulated data sets"
        )

    __repr__ = __str__

    def _for_paper(self) -> pd.DataFrame:
        return self.tests

    def plot(self, width: float = 7.0, axes: Any = None) -> np.ndarray:
        """Draw them against the uniform distribution, with the band, and against the fitted values.

        Parameters
        ----------
        width, axes
            Of the figure, in inches; or two axes to draw into.
        """
        from bayeslmm.results.fit_plots import quantile_plot

        return quantile_plot(self, width, axes)


def simulated(fit: "Fit", n: int | None, seed: Seed) -> Standardised:
    """Standardised residuals and modes of the data and of n simulated data sets."""
    count = check_simulations(n, fit.nobs)
    base = Base(fit.design, fit.likelihood, fit.optimum, fit.estimates, fit.reml)
    return simulate_and_standardise(base, count, generator(seed))


def check_simulations(n: int | None, rows: int) -> int:
    """A number of simulations of so many rows; None is for as many as are quick."""
    if n is None:
        n = int(np.clip(NUMBERS // rows, LEAST, MOST))
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < LEAST:
        raise ArgumentError(f"n={n!r} simulations are too few to tell a tail; give at least {LEAST}")
    if n * rows > LIMIT:
        raise ArgumentError(
            f"{n} simulations of {rows:,} rows are {n * rows:,} numbers, and {LIMIT:,} can be kept; "
            "take fewer simulations, or see fit.plot.residuals()"
        )
    return int(n)


def make_quantile_residuals(fit: "Fit", of: Of, n: int | None, seed: Seed) -> QuantileResiduals:
    """Rank every row's residual among its simulated ones, and test what comes out."""
    check_of(of)
    rng = generator(seed)
    found = simulated(fit, n, rng)
    values = found.residuals if of == "conditional" else found.marginal
    known = np.isfinite(values).all(axis=1)
    u = np.full(values.shape, np.nan)
    u[known] = quantile_residuals(values[known], rng)
    S = values.shape[1]
    distance, dispersion = uniform_distance(u[known]), found.dispersion[0 if of == "conditional" else 1]
    beyond = ((u[known] <= 1 / S) | (u[known] > 1 - 1 / S)).sum(axis=0)
    ratio = dispersion / dispersion[1:].mean()
    rows = {
        "uniformity": (distance[0], distance[1:].mean(), rank_p_value(distance)),
        "dispersion": (ratio[0], 1.0, min(1.0, 2 * min(rank_p_value(ratio), rank_p_value(-ratio)))),
        "outliers": (beyond[0], beyond[1:].mean(), rank_p_value(beyond)),
    }
    band = simultaneous_band(u[known], 0.95)
    tests = pd.DataFrame.from_dict(rows, orient="index", columns=["statistic", "expected", "p"]).rename_axis("test")
    series = pd.Series(u[:, 0], index=pd.Index(fit.design.rows), name="quantile residual")
    return QuantileResiduals(series, tests, of, S - 1, np.column_stack([band.lower, band.upper]), fit.fitted)


def check_of(of: str) -> None:
    """Refuse residuals of what there is not."""
    if of not in ("conditional", "marginal"):
        raise ArgumentError(
            f'residuals of="{of}" are not known; it is "conditional" (random effects taken off) or "marginal"'
        )
