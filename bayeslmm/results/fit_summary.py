"""Put the summary of a fit together."""

from textwrap import fill
from typing import TYPE_CHECKING

import pandas as pd

from bayeslmm.point.inference import Inference
from bayeslmm.results import summary as s

if TYPE_CHECKING:
    from bayeslmm.results.fit import Fit

WIDTH = 100


def fit_summary(fit: "Fit", tests: pd.DataFrame, inference: Inference, verbose: bool = False) -> s.FitSummary:
    """The summary of a fit from its tests of coefficients."""
    design, ddf = fit.design, inference.method
    varcorr = fit.varcorr
    sections = [
        _head(fit, ddf),
        s.criterion_lines(fit.reml, fit.criterion, fit.aic, fit.bic, fit.loglik, fit.df_resid),
        s.residual_lines("Scaled residuals", fit.residuals("scaled")),
        s.random_lines(design.terms, varcorr) + "\n" + s.size_line(design.n, design.terms),
        s.fixed_lines(tests, ddf),
        s.correlation_lines(fit.vcov),
        "\n".join([*_notes(fit, inference), *(_details(fit) if verbose else [])]),
    ]
    text = "\n\n".join(section for section in sections if section)
    return s.FitSummary(tests, varcorr, ddf, text)


def _head(fit: "Fit", ddf: str) -> str:
    return "\n".join([s.heading(fit.reml, ddf), *s.call_lines(fit.design, fit.data_name)])


def _notes(fit: "Fit", inference: Inference) -> list[str]:
    """What changed the answer and how far the answer can be trusted."""
    notes = [*s.note_lines(fit.design), *inference.notes]
    found = "converged" if fit.converged else "did NOT converge"
    notes.append(f"optimizer: {fit.optimizer}, {fit.optimum.evaluations} evaluations: {found}")
    notes += [f"  {problem}" for problem in fit.certificate.problems]
    if fit.is_singular:
        reasons = "; ".join(r.sentence for r in fit.singularities)
        notes.append(fill(f"boundary (singular) fit: {reasons}", WIDTH, subsequent_indent="  ", break_long_words=False))
    return notes


def _details(fit: "Fit") -> list[str]:
    """The optimality conditions in numbers, and where the time went."""
    c = fit.certificate
    lines = [
        f"certificate: largest gradient {c.gradient_norm:.1e}, criterion lower by at most {c.newton_decrement:.1e}, "
        f"smallest Hessian eigenvalue {c.smallest_eigenvalue:.3g} (by {c.hessian})"
    ]
    if c.multipliers:
        lines.append("  multipliers at the boundary: " + ", ".join(f"{m:.3g}" for m in c.multipliers))
    return [*lines, str(fit.clock)]
