"""`bayeslmm means`, `contrasts`, `slopes`, `predict`: what a model says about the response."""

from dataclasses import asdict, dataclass
from typing import Annotated

from typer import Argument, Option

from bayeslmm.cli import options
from bayeslmm.cli.groups import Columns, Fitting, Grid, Sampler, Source, request
from bayeslmm.cli.request import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Either:
    """How a fit is made, or its posterior sampled, and where the table goes."""

    fitting: Fitting
    columns: Columns
    bayes: options.FromPosterior = False
    sampler: Sampler
    cluster: options.Cluster = None
    out: options.TableFile = None
    json: options.Json = False

    def asked(self, source: Source) -> Request:
        """The whole request."""
        made = self.columns, self.fitting, self.sampler, self.bayes
        return request(source, *made, out=self.out, json=self.json, cluster=self.cluster)


def means(
    source: Source,
    predictors: Annotated[
        list[str] | None, Argument(help="Whose combinations have a mean each; none: the overall mean.")
    ] = None,
    *,
    grid: Grid,
    either: Either,
) -> None:
    """Marginal means, as emmeans.

    Try it on packaged data:

        bayeslmm means "effort ~ Type + (1 | Subject)" ergostool Type
    """
    from bayeslmm.cli.means import means as make
    from bayeslmm.cli.task import run

    run("means", either.asked(source), make, specs=predictors or [], **asdict(grid))


def contrasts(
    source: Source,
    predictors: Annotated[list[str], Argument(help="Whose means are compared.")],
    method: Annotated[
        str, Option(help="pairwise, revpairwise, trt.vs.ctrl, consec, eff or poly.", metavar="METHOD")
    ] = "pairwise",
    ref: Annotated[str | None, Option(help="What trt.vs.ctrl compares with; else the first.", metavar="LEVEL")] = None,
    *,
    grid: Grid,
    either: Either,
) -> None:
    """Comparisons of marginal means, adjusted for their number.

    Try it on packaged data:

        bayeslmm contrasts "effort ~ Type + (1 | Subject)" ergostool Type
    """
    from bayeslmm.cli.means import contrasts as make
    from bayeslmm.cli.task import run

    run("contrasts", either.asked(source), make, specs=predictors, method=method, ref=ref, **asdict(grid))


def slopes(
    source: Source,
    predictor: Annotated[str, Argument(help="A numeric column.")],
    grid: Grid,
    either: Either,
) -> None:
    """Slopes of the mean in a numeric predictor, as emtrends.

    Try it on packaged data:

        bayeslmm slopes "distance ~ age * Sex + (1 | Subject)" orthodont age
    """
    from bayeslmm.cli.means import slopes as make
    from bayeslmm.cli.task import run

    run("slopes", either.asked(source), make, variable=predictor, **asdict(grid))


def predict(
    source: Source,
    new: Annotated[
        str | None, Option(help="A file with rows to predict; else those that were fitted.", metavar="FILE")
    ] = None,
    interval: Annotated[
        str | None,
        Option(help="Of the mean of a row, or of a new observation.", metavar="confidence|prediction"),
    ] = None,
    re: Annotated[
        list[str] | None,
        Option(help="Random effects that count: all, none, or a group. May be repeated.", metavar="GROUP"),
    ] = None,
    new_levels: Annotated[
        str, Option(help="Levels that were not in the data: error, or population.", metavar="WHAT")
    ] = "error",
    level: options.Level = 0.95,
    *,
    either: Either,
) -> None:
    """Predictions for the rows that were fitted, or for others.

    Try it on packaged data:

        bayeslmm predict "travel ~ 1 + (1 | Rail)" rail --interval prediction
    """
    from bayeslmm.cli.means import predict as make
    from bayeslmm.cli.task import run

    rows = {"new": new, "interval": interval, "re": re, "new_levels": new_levels, "level": level}
    run("predict", either.asked(source), make, **rows, seed=either.sampler.seed)
