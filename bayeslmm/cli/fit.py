"""`bayeslmm fit`: a formula and a file in; the fit, the posterior and the two side by side out."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pandas as pd

from bayeslmm.cli.as_json import document
from bayeslmm.cli.fitting import any_fit, sampled
from bayeslmm.cli.request import Request, output_folder
from bayeslmm.cli.show import print_json
from bayeslmm.cli.terminal import Terminal
from bayeslmm.results.fit import Ddf, Fit
from bayeslmm.results.linear_fit import LinearFit

if TYPE_CHECKING:
    from bayeslmm.compare.comparison import Comparison
    from bayeslmm.results.posterior import Posterior


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found: a fit and, where it was asked for, the posterior of the same model and the comparison."""

    fit: Fit | LinearFit
    posterior: "Posterior | None" = None
    comparison: "Comparison | None" = None


def run(request: Request) -> None:
    """Do what was asked for, and print it.

    Raises
    ------
    BayeslmmError
        With a sentence for the user.
    """
    terminal = Terminal.new(silent=request.json)
    if request.out is not None:
        output_folder(request.out)
    with terminal.warnings_as_notes():
        fit = any_fit(request, "fit", terminal)
        answer = _mixed(request, fit, terminal) if isinstance(fit, Fit) else _linear(fit, terminal)
        files = [] if request.out is None else _write(request, answer, terminal)
    if request.json:
        print_json(terminal, document(request, answer, terminal.notes, files))


def _write(request: Request, answer: Answer, terminal: Terminal) -> list[Path]:
    from bayeslmm.cli.write import write

    return write(request, answer, terminal)


def _mixed(request: Request, fit: Fit, terminal: Terminal) -> Answer:
    terminal.output(str(fit.summary(cast(Ddf, request.ddf))))
    terminal.output(_icc_line(fit))
    posterior = sampled(request, fit, terminal)
    if posterior is not None:
        return _with_posterior(fit, posterior, terminal)
    if fit.is_singular:
        terminal.prose(
            "A singular fit: the data do not settle these sds and correlations. The fixed effects can be used; "
            "for the rest see the posterior of the same model: add --bayes."
        )
    return Answer(fit)


def _with_posterior(fit: Fit, posterior: "Posterior", terminal: Terminal) -> Answer:
    from bayeslmm.compare.comparison import compare

    comparison = compare(fit, posterior)
    terminal.heading("Posterior of the same model")
    terminal.output(str(posterior.summary()))
    terminal.heading("Side by side")
    terminal.output(str(comparison))
    return Answer(fit, posterior, comparison)


def _icc_line(fit: Fit) -> str:
    by_group = cast(pd.Series, fit.icc(by_group=True))
    shares = ", ".join(f"{group} {share:.3f}" for group, share in by_group.items())
    return f"Intraclass correlation (share of the variance between groups): {shares}"


def _linear(fit: LinearFit, terminal: Terminal) -> Answer:
    terminal.output(str(fit))
    return Answer(fit)
