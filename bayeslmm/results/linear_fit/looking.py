"""A look at a linear fit."""

from typing import TYPE_CHECKING

from bayeslmm.results.linear_fit.base import LinearBase

if TYPE_CHECKING:
    from bayeslmm.results.linear_plots import LinearPlots


class LinearLooks(LinearBase):
    """What to look at before the fit is believed."""

    @property
    def plot(self) -> "LinearPlots":
        """Pictures: `plot.diagnostics()` on one page; `effects`, and each diagnostic alone."""
        from bayeslmm.results.linear_plots import LinearPlots

        return LinearPlots(self._fit)
