"""A look at a linear fit."""

from typing import TYPE_CHECKING

from bayeslmm.results.linear_fit.base import LinearBase
from bayeslmm.results.missing import Missing, missing

if TYPE_CHECKING:
    from bayeslmm.results.linear_plots import LinearPlots


class LinearLooks(LinearBase):
    """What to look at before the fit is believed."""

    def missing(self) -> Missing:
        """Which rows were left out for missing values, and why.

        Examples
        --------
        >>> import bayeslmm as blm
        >>> data = blm.datasets.load("sleepstudy")
        >>> data.loc[data.index[:5], "Reaction"] = float("nan")
        >>> blm.lm("Reaction ~ Days", data).missing().patterns.to_numpy().tolist()
        [['Reaction', 5]]
        """
        return missing(self.design)

    @property
    def plot(self) -> "LinearPlots":
        """Pictures: `plot.diagnostics()` on one page; `effects`, and each diagnostic alone."""
        from bayeslmm.results.linear_plots import LinearPlots

        return LinearPlots(self._fit)
