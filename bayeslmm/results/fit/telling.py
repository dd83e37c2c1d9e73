"""A fit told to others: printed, as a paper's paragraphs, as a page."""

from collections.abc import Collection
from typing import TYPE_CHECKING

import pandas as pd

from bayeslmm.point.ddf import Ddf
from bayeslmm.results.checks import check_level
from bayeslmm.results.fit.base import FitBase
from bayeslmm.results.fit_summary import fit_summary
from bayeslmm.results.summary import FitSummary

if TYPE_CHECKING:
    from bayeslmm.bayes.files import PathLike
    from bayeslmm.results.apa.prose import Apa
    from bayeslmm.results.report.blocks import Report


class FitWords(FitBase):
    """How the fit is told."""

    def summary(self, ddf: Ddf = "satterthwaite", verbose: bool = False) -> FitSummary:
        """All that lmerTest's `summary()` shows; `print` it, or take `.fixed`.

        Parameters
        ----------
        ddf
            Degrees of freedom of the t tests: "satterthwaite"; "kenward-roger" (REML fits; standard errors adjusted,
            too); "containment" (nested groups, as `nlme`); "residual" (n - p) or "asymptotic" (normal).
        verbose
            Show the optimality conditions and where the time went, too.

        Examples
        --------
        >>> import bayeslmm as blm
        >>> fit = blm.lmer("Reaction ~ Days + (Days | Subject)", blm.datasets.load("sleepstudy"))
        >>> fit.summary().fixed.round(2)
                     estimate    se    df      t    p
        (Intercept)    251.41  6.82  17.0  36.84  0.0
        Days            10.47  1.55  17.0   6.77  0.0
        """
        return fit_summary(self._fit, self._fit.tests(ddf), self._inference(ddf), verbose)

    def apa(self, ddf: Ddf = "satterthwaite", level: float = 0.95, terms: Collection[str] | None = None) -> "Apa":
        """Methods and results as a paper tells them, in APA style; `print` it, or take it as Markdown, LaTeX or HTML.

        Parameters
        ----------
        ddf
            As for `summary`.
        level
            Of the intervals, from the t distribution with these degrees of freedom.
        terms
            The coefficients that are told of; None for the first dozen.

        Examples
        --------
        >>> import bayeslmm as blm
        >>> fit = blm.lmer("Reaction ~ Days + (Days | Subject)", blm.datasets.load("sleepstudy"))
        >>> fit.apa().terms["Days"]
        'b = 10.47, SE = 1.55, t(17.00) = 6.77, p < .001, 95% CI [7.21, 13.73]'
        """
        from bayeslmm.results.apa.of_fit import apa_of_fit

        return apa_of_fit(self._fit, ddf, check_level(level), terms)

    def report(
        self,
        path: "PathLike | None" = None,
        ddf: Ddf = "satterthwaite",
        level: float = 0.95,
        title: str | None = None,
    ) -> "Report":
        """Everything on one page, verdict first: a single HTML file for the co-authors, on a phone or on paper.

        Parameters
        ----------
        path
            A name that ends in .html; None writes nothing.
        ddf, level
            As for `apa`.
        title
            Of the page; None names the response.

        Returns
        -------
        Report
            `write` it elsewhere, too, or take its `sections`.

        Raises
        ------
        ArgumentError
            The file cannot be written.
        """
        from bayeslmm.results.report.of_fit import report_of_fit

        return report_of_fit(self._fit, path, ddf, check_level(level), title)

    def __repr__(self) -> str:
        return self.summary().text

    def _for_paper(self) -> pd.DataFrame:
        return self.summary().fixed
