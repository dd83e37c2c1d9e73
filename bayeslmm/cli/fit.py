"""`bayeslmm fit`: a formula and a file in; the fit, the posterior and the two side by side out."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pandas as pd

from bayeslmm.cli.as_json import document
from bayeslmm.cli.read import read_data
from bayeslmm.cli.request import Request, output_folder
from bayeslmm.cli.sampling import sample
from bayeslmm.cli.terminal import Terminal
from bayeslmm.design.formula import parse
from bayeslmm.errors import ArgumentError
from bayeslmm.results.fit import Ddf, Fit, check_ddf
from bayeslmm.results.linear_fit import LinearFit
from bayeslmm.verbs.lm import lm
from bayeslmm.verbs.lmer import lmer

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
    data, name = read_data(request.data)
    has_bars = bool(parse(request.formula).random)
    with terminal.warnings_as_notes():
        answer = _mixed(request, data, name, terminal) if has_bars else _linear(request, data, name, terminal)
        files = [] if request.out is None else _write(request, answer, terminal)
    if request.json:
        terminal.out.print_json(document(request, answer, terminal.notes, files), indent=2, highlight=False)


def _write(request: Request, answer: Answer, terminal: Terminal) -> list[Path]:
    from bayeslmm.cli.write import write

    return write(request, answer, terminal)


def _mixed(request: Request, data: Any, name: str, terminal: Terminal) -> Answer:
    check_ddf(request.ddf)
    fit = lmer(
        request.formula,
        data,
        reml=request.reml,
        optimizer=cast(Any, request.optimizer),
        weights=request.weights,
        offset=request.offset,
        contrasts=request.contrasts,
        priors=request.priors,
        data_name=name,
    )
    if request.priors is not None:
        fit.model.priors  # noqa: B018  an unknown name is an error before anything is printed
    terminal.output(str(fit.summary(cast(Ddf, request.ddf))))
    terminal.output(_icc_line(fit))
    if request.sampling is None:
        if fit.is_singular:
            terminal.prose(
                "A singular fit: the data do not settle these sds and correlations. The fixed effects can be used; "
                "for the rest see the posterior of the same model: add --bayes."
            )
        return Answer(fit)
    return _with_posterior(request, fit, terminal)


def _with_posterior(request: Request, fit: Fit, terminal: Terminal) -> Answer:
    from bayeslmm.compare.comparison import compare

    assert request.sampling is not None
    posterior = sample(fit, terminal, **asdict(request.sampling))
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


def _linear(request: Request, data: Any, name: str, terminal: Terminal) -> Answer:
    if request.sampling is not None:
        raise ArgumentError(
            "--bayes needs random effects, and there is no bar in the formula; add one such as (1 | group)"
        )
    terminal.note(
        "no bar in the formula: this is least squares without groups; for a mixed model add a bar such as (1 | group)"
    )
    fit = lm(
        request.formula,
        data,
        weights=request.weights,
        offset=request.offset,
        contrasts=request.contrasts,
        data_name=name,
    )
    terminal.output(str(fit))
    return Answer(fit)
