"""A look at a fit: pictures, everything that can be wrong, rows left out, influence."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from bayeslmm.point.ddf import Ddf
from bayeslmm.results.check import Check, check
from bayeslmm.results.fit.base import FitBase
from bayeslmm.results.influence import Influence, influence
from bayeslmm.results.missing import Missing, missing
from bayeslmm.results.quantile_residuals import simulated

if TYPE_CHECKING:
    from bayeslmm.results.fit_plots import FitPlots


class FitLooks(FitBase):
    """What to look at before the fit is believed."""

    @property
    def plot(self) -> "FitPlots":
        """Pictures: `plot.diagnostics()` on one page; `effects`, `caterpillar`, `profile`, each diagnostic alone."""
        from bayeslmm.results.fit_plots import FitPlots

        return FitPlots(self._fit)

    def check(self, ddf: Ddf = "satterthwaite", seed: int = 1) -> Check:
        """Look at everything that can be wrong: one table in words, worst first.

        Convergence, singularity and its reason, groups too few for the degrees of freedom, predictors on wild scales or
        constant within the groups that have their slopes, rows and columns left out; and, against data simulated from
        the fit: tails of the residuals and of the random effects, unequal variances between groups, outlying groups.
        Each line says what was seen, why it matters, and what to do.

        Parameters
        ----------
        ddf
            The degrees of freedom that are used.
        seed
            Of the simulations.
        """
        return check(self._fit, ddf, lambda: simulated(self._fit, None, seed))

    def missing(self) -> Missing:
        """Which rows were left out for missing values, why, and how they lie in the groups.

        Examples
        --------
        >>> import bayeslmm as blm
        >>> data = blm.datasets.load("sleepstudy")
        >>> data.loc[data.index[:5], "Reaction"] = float("nan")
        >>> found = blm.lmer("Reaction ~ Days + (1 | Subject)", data).missing()
        >>> found.groups[["level", "rows", "lost"]].head(1).to_numpy().tolist()
        [['308', 10, 5]]
        """
        return missing(self.design)

    def influence(self, by: Any = None, exact: bool = False) -> Influence:
        """What changes when a group or a row is left out: leverage, Cook's distance, DFBETAS, covratio, theta.

        Parameters
        ----------
        by
            Name of a grouping factor, whose levels are left out one by one; None for single rows; or an array with one
            label for each row used, for sets of the caller's own.
        exact
            Refit without each row. Groups always are: their cross-products are subtracted and theta is found again,
            about as quick as one fit each; rows otherwise are left out in closed form with theta fixed.

        Examples
        --------
        >>> import bayeslmm as blm
        >>> fit = blm.lmer("Reaction ~ Days + (Days | Subject)", blm.datasets.load("sleepstudy"))
        >>> fit.influence("Subject").table["cooks"].nlargest(2).round(3).to_dict()
        {'309': 0.149, '335': 0.129}
        """
        return influence(self._fit, by, exact)

    @property
    def timings(self) -> pd.Series:
        """Seconds by stage: frame, cross-products, optimise, inference (NaN until it was asked for)."""
        return self.clock.series()
