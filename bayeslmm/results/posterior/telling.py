"""A posterior told to others: printed, drawn, as a paper's paragraphs, as a page."""

from collections.abc import Collection
from typing import TYPE_CHECKING

import pandas as pd

from bayeslmm.bayes.files import PathLike
from bayeslmm.results.checks import check_level
from bayeslmm.results.posterior.base import PosteriorBase
from bayeslmm.results.posterior_summary import PosteriorSummary, posterior_summary
from bayeslmm.results.posterior_tables import IntervalKind, check_kind

if TYPE_CHECKING:
    from bayeslmm.results.apa.prose import Apa
    from bayeslmm.results.posterior_plots import PosteriorPlots
    from bayeslmm.results.report.blocks import Report


class PosteriorWords(PosteriorBase):
    """How the posterior is told."""

    @property
    def plot(self) -> "PosteriorPlots":
        """Pictures: `plot.forest`, `ranks`, `predictive`, `caterpillar`, `effects`, `prior_posterior`."""
        from bayeslmm.results.posterior_plots import PosteriorPlots

        return PosteriorPlots(self._posterior)

    def summary(self, level: float = 0.95, kind: IntervalKind = "eti") -> PosteriorSummary:
        """Everything at a glance; `print` it, or take `.fixed` and `.random`.

        Parameters
        ----------
        level
            Probability of the intervals.
        kind
            "eti": equal-tailed; "hdi": shortest (highest density).

        Examples
        --------
        >>> import bayeslmm as blm
        >>> post = blm.brm("Reaction ~ Days + (Days | Subject)", blm.datasets.load("sleepstudy"), seed=1)
        >>> post.summary().fixed.loc["Days", ["estimate", "sd"]].round(0).tolist()
        [10.0, 2.0]
        """
        check_level(level)
        attrs = self.data.attrs
        return posterior_summary(self.draws, self.priors, self._diagnostics, attrs, level, check_kind(kind))

    def apa(self, level: float = 0.95, terms: Collection[str] | None = None) -> "Apa":
        """Methods and results as a paper tells them, in APA style; `print` it, or take it as Markdown, LaTeX or HTML.

        Parameters
        ----------
        level
            Probability of the equal-tailed intervals.
        terms
            The coefficients that are told of; None for the first dozen.
        """
        self._needs_normal("apa")
        from bayeslmm.results.apa.of_posterior import apa_of_posterior

        return apa_of_posterior(self._posterior, check_level(level), terms)

    def report(self, path: PathLike | None = None, level: float = 0.95, title: str | None = None) -> "Report":
        """Everything on one page, verdict first: a single HTML file for the co-authors, on a phone or on paper.

        Parameters
        ----------
        path
            A name that ends in .html; None writes nothing.
        level
            Probability of the equal-tailed intervals.
        title
            Of the page; None names the response.

        Raises
        ------
        ArgumentError
            The file cannot be written.
        """
        self._needs_normal("report")
        from bayeslmm.results.report.of_posterior import report_of_posterior

        return report_of_posterior(self._posterior, path, check_level(level), title)

    def __repr__(self) -> str:
        return self.summary().text

    def _for_paper(self) -> pd.DataFrame:
        return self.summary().fixed
