"""What every command that fits begins with: read the data, fit the formula, sample where a posterior is asked for."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

from bayeslmm.cli.read import read_data
from bayeslmm.cli.request import Request
from bayeslmm.cli.sampling import sample
from bayeslmm.cli.terminal import Terminal
from bayeslmm.design.formula import parse
from bayeslmm.errors import ArgumentError, FormulaError
from bayeslmm.model import Model
from bayeslmm.results.fit import Fit, check_ddf
from bayeslmm.results.linear_fit import LinearFit
from bayeslmm.verbs.lm import lm

if TYPE_CHECKING:
    from bayeslmm.results.posterior import Posterior

NO_BAR = "no bar in the formula: this is least squares without groups; for a mixed model add a bar such as (1 | group)"


def has_bars(request: Request) -> bool:
    """Whether a mixed model is asked for."""
    return bool(parse(request.formula).random)


def model_of(request: Request) -> Model:
    """The model of a request.

    Raises
    ------
    FormulaError, DataError, ArgumentError
        As for `Model`; the file cannot be read.
    """
    data, name = read_data(request.data)
    model = Model(
        request.formula,
        data,
        weights=request.weights,
        offset=request.offset,
        contrasts=request.contrasts,
        priors=request.priors,
        data_name=name,
    )
    if request.priors is not None:
        model.priors  # noqa: B018  an unknown name is an error before anything is printed
    return model


def mixed_fit(request: Request, command: str) -> Fit:
    """Fit the mixed model of a request.

    Raises
    ------
    FormulaError, ArgumentError
        The formula has no bar; or it has, and clusters are given beside it.
    """
    if not has_bars(request):
        raise FormulaError(f"{command} is for mixed models: add a bar such as (1 | group)", request.formula)
    if request.cluster is not None:
        raise ArgumentError(
            f"--cluster {request.cluster} is for formulas without bars; a mixed model has its groups in the bars: "
            "leave it out, or see `bayeslmm alternatives` for both side by side"
        )
    check_ddf(request.ddf)
    return model_of(request).fit(request.reml, cast(Any, request.optimizer))


def linear_fit(request: Request) -> LinearFit:
    """Fit a formula without bars.

    Raises
    ------
    ArgumentError
        A posterior is asked for.
    """
    if request.sampling is not None:
        raise ArgumentError(
            "--bayes needs random effects, and there is no bar in the formula; add one such as (1 | group)"
        )
    data, name = read_data(request.data)
    columns = {"weights": request.weights, "offset": request.offset, "contrasts": request.contrasts}
    return lm(request.formula, data, request.cluster, **columns, data_name=name)


def any_fit(request: Request, command: str, terminal: Terminal) -> Fit | LinearFit:
    """Fit a formula with bars or without, and say that the latter is not a mixed model."""
    if has_bars(request):
        return mixed_fit(request, command)
    fit = linear_fit(request)
    terminal.note(NO_BAR)
    return fit


def sampled(request: Request, fit: Fit, terminal: Terminal) -> "Posterior | None":
    """The posterior of a fit's model, with a progress bar where somebody looks on; None where none was asked for."""
    if request.sampling is None:
        return None
    found: Posterior = sample(fit, terminal, **asdict(request.sampling))
    return found
