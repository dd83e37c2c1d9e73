"""Options that go together: each group is a parameter of the commands that have it."""

from dataclasses import dataclass
from pathlib import Path

from bayeslmm.cli import options
from bayeslmm.cli.priors import priors_of
from bayeslmm.cli.request import Request, Sampling, contrasts_of
from bayeslmm.errors import ArgumentError


@dataclass(frozen=True, slots=True)
class Source:
    """What is fitted to what."""

    formula: options.Formula
    data: options.Data


@dataclass(frozen=True, slots=True)
class Fitting:
    """How."""

    ml: options.Ml = False
    ddf: options.Ddf = "satterthwaite"


@dataclass(frozen=True, slots=True)
class Columns:
    """What else of the data, and how factors are coded."""

    weights: options.Weights = None
    offset: options.Offset = None
    contrasts: options.Contrasts = None


@dataclass(frozen=True, slots=True)
class Sampler:
    """How the posterior is drawn."""

    engine: options.Engine = "auto"
    prior: options.Prior = None
    draws: options.Draws = 1000
    tune: options.Tune = None
    chains: options.Chains = 4
    target_accept: options.TargetAccept = None
    seed: options.Seed = None


@dataclass(frozen=True, slots=True)
class Grid:
    """The values of the predictors at which a mean is taken."""

    by: options.By = None
    at: options.At = None
    cells: options.CellWeights = "equal"
    adjust: options.Adjust = None
    level: options.Level = 0.95


def request(
    source: Source,
    columns: Columns | None = None,
    fitting: Fitting | None = None,
    sampler: Sampler | None = None,
    bayes: bool = True,
    optimizer: str = "lbfgs",
    out: Path | None = None,
    json: bool = False,
    cluster: str | None = None,
) -> Request:
    """Put a request together.

    Parameters
    ----------
    bayes
        Whether a posterior is wanted of a command that has options of the sampler.

    Raises
    ------
    ArgumentError
        Options that cannot be read; priors without a posterior.
    """
    columns, fitting = columns or Columns(), fitting or Fitting()
    priors = None if sampler is None else priors_of(sampler.prior or [])
    if priors is not None and not bayes:
        raise ArgumentError("--prior is for the posterior: add --bayes")
    return Request(
        source.formula,
        source.data,
        reml=not fitting.ml,
        ddf=fitting.ddf,
        optimizer=optimizer,
        weights=columns.weights,
        cluster=cluster,
        offset=columns.offset,
        contrasts=contrasts_of(columns.contrasts or []),
        priors=priors,
        sampling=_sampling(sampler) if sampler is not None and bayes else None,
        out=out,
        json=json,
    )


def _sampling(given: Sampler) -> Sampling:
    return Sampling(given.draws, given.tune, given.chains, given.seed, given.target_accept, given.engine)
