"""Put the summary of a fit together."""

from typing import TYPE_CHECKING

import pandas as pd

from bayeslmm.results import summary as s

if TYPE_CHECKING:
    from bayeslmm.results.fit import Fit


def fit_summary(fit: "Fit", tests: pd.DataFrame, ddf: str) -> s.FitSummary:
    """The summary of a fit from its tests of coefficients."""
    design = fit.design
    varcorr = fit.varcorr
    sections = [
        _head(fit, ddf),
        s.criterion_lines(fit.reml, fit.criterion, fit.aic, fit.bic, fit.loglik, fit.df_resid),
        s.residual_lines("Scaled residuals", fit.residuals("scaled")),
        s.random_lines(design.terms, varcorr) + "\n" + s.size_line(design.n, design.terms),
        s.fixed_lines(tests, ddf),
        s.correlation_lines(fit.vcov),
        "\n".join(_notes(fit)),
    ]
    text = "\n\n".join(section for section in sections if section)
    return s.FitSummary(tests, varcorr, ddf, text)


def _head(fit: "Fit", ddf: str) -> str:
    design = fit.design
    lines = [s.heading(fit.reml, ddf), f"Formula: {design.formula.text}", f"   Data: {fit.data_name}"]
    if design.has_weights:
        lines.append("Weights: yes")
    if design.has_offset:
        lines.append(" Offset: yes")
    return "\n".join(lines)


def _notes(fit: "Fit") -> list[str]:
    """What changed the answer and how far the answer can be trusted."""
    design = fit.design
    notes = []
    if design.n_missing:
        notes.append(f"{design.n_missing} rows with missing values left out ({design.n} used)")
    if design.contrasts:
        notes.append("contrasts: " + ", ".join(f"{name} {coding}" for name, coding in design.contrasts.items()))
    if design.dropped:
        notes.append(
            f"fixed-effect matrix is rank deficient: {len(design.dropped)} collinear columns left out: "
            + ", ".join(design.dropped)
        )
    found = "converged" if fit.converged else "did NOT converge"
    notes.append(f"optimizer: {fit.optimizer}, {fit.optimum.evaluations} evaluations: {found}")
    notes += [f"  {problem}" for problem in fit.certificate.problems]
    if fit.is_singular:
        notes.append("boundary (singular) fit: " + "; ".join(r.sentence for r in fit.singularities))
    return notes
