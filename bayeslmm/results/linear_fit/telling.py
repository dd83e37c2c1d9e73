"""A linear fit told to others: printed, as a paper's paragraphs, as a page."""

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bayeslmm.results import rformat
from bayeslmm.results.checks import check_level
from bayeslmm.results.linear_fit.tests import LinearTests
from bayeslmm.results.summary import DIGITS, call_lines, coefficient_lines, note_lines, residual_lines

if TYPE_CHECKING:
    from bayeslmm.bayes.files import PathLike
    from bayeslmm.results.apa.prose import Apa
    from bayeslmm.results.report.blocks import Report

FEW = 5  # residual degrees of freedom up to which R prints the residuals themselves


class LinearWords(LinearTests):
    """How the fit is told."""

    def summary(self) -> str:
        """What R prints for `summary(lm(...))`; with clusters, their standard errors."""
        lines = [
            "\n".join(["Linear model fit by least squares [bayeslmm]", *call_lines(self.design, self.data_name)]),
            self._residual_lines(),
            self._coefficient_lines(),
            "\n".join(self._fit_lines()),
        ]
        notes = note_lines(self.design)
        return "\n\n".join([*lines, "\n".join(notes)] if notes else lines)

    def apa(self, level: float = 0.95, terms: Collection[str] | None = None) -> "Apa":
        """Methods and results as a paper tells them, in APA style; `print` it, or take it as Markdown, LaTeX or HTML.

        Parameters
        ----------
        level
            Of the intervals; with clusters they are robust to these.
        terms
            The coefficients that are told of; None for the first dozen.

        Examples
        --------
        >>> import bayeslmm as blm
        >>> blm.lm("Reaction ~ Days", blm.datasets.load("sleepstudy"), cluster="Subject").apa().terms["Days"]
        'b = 10.47, SE = 1.55, t(17.00) = 6.77, p < .001, 95% CI [7.21, 13.73]'
        """
        from bayeslmm.results.apa.of_linear import apa_of_linear

        return apa_of_linear(self._fit, check_level(level), terms)

    def report(self, path: "PathLike | None" = None, level: float = 0.95, title: str | None = None) -> "Report":
        """Everything on one page, verdict first: a single HTML file for the co-authors, on a phone or on paper.

        Parameters
        ----------
        path
            A name that ends in .html; None writes nothing.
        level
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
        from bayeslmm.results.report.of_linear import report_of_linear

        return report_of_linear(self._fit, path, check_level(level), title)

    def _residual_lines(self) -> str:
        kind = "Weighted Residuals" if self.design.has_weights else "Residuals"
        values = self.residuals() * np.sqrt(self.design.weights)
        if self.df_resid > FEW:
            return residual_lines(kind, values)
        cells = rformat.format_numbers(values, DIGITS)
        return f"{kind}:\n" + rformat.named_vector([str(row) for row in self.design.rows], cells)

    def _coefficient_lines(self) -> str:
        dropped = self.design.dropped
        title = f"Coefficients: ({len(dropped)} not defined because of singularities)" if dropped else "Coefficients:"
        table = self.tests().reindex(self._all_names())
        shown = ["estimate", "se"] if self.clusters is None else ["estimate", "se", "df"]
        text = coefficient_lines(table, shown, "t value", "Pr(>|t|)", DIGITS)
        if self.clusters is None:
            return f"{title}\n{text}"
        said = (self._by_cluster.title, *self._by_cluster.notes)
        return "\n".join([title, text, *(f"{x[0].upper()}{x[1:]}" for x in said)])

    def _all_names(self) -> list[str]:
        """Names of all columns, those left out at their places."""
        kept, dropped = iter(self.design.coef_names), iter(self.design.dropped)
        at = set(np.asarray(self.design.recipe.kept).tolist())
        count = self.design.p + len(self.design.dropped)
        return [next(kept) if j in at else next(dropped) for j in range(count)]

    def _fit_lines(self) -> list[str]:
        F, q, df, p = self.f_test
        lines = [f"Residual standard error: {_significant(self.sigma)} on {self.df_resid} degrees of freedom"]
        if self.design.n_missing:
            rows = "observation" if self.design.n_missing == 1 else "observations"
            lines.append(f"  ({self.design.n_missing} {rows} deleted due to missingness)")
        if q:
            shares = f"Multiple R-squared: {_significant(self.r2)}, Adjusted R-squared: {_significant(self.adj_r2)}"
            lines.append(shares)
            if np.isfinite(F):
                p_value = rformat.format_p_values([p], DIGITS)[0]
                freedom = f"{q} and {_significant(df)} DF" if self.clusters is not None else f"{q} and {df} DF"
                lines.append(f"F-statistic: {_significant(F)} on {freedom}, p-value: {p_value}")
        return lines

    def __repr__(self) -> str:
        return self.summary()

    def _for_paper(self) -> pd.DataFrame:
        return self.tests()


def _significant(value: float) -> str:
    return rformat.format_numbers([value], DIGITS)[0]
