"""`bayeslmm simulate` and `bayeslmm power`: before there are data."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Option

from bayeslmm.cli import options
from bayeslmm.cli.groups import Columns, Fitting, Source, request
from bayeslmm.cli.request import Request

if TYPE_CHECKING:
    from bayeslmm.cli.planning import Plan


@dataclass(frozen=True, slots=True)
class Design:
    """The rows."""

    groups: Annotated[
        list[str] | None,
        Option(help="Levels of a grouping variable, subject=20; may be repeated.", metavar="[NAME=]LEVELS"),
    ] = None
    per_group: Annotated[
        str | None,
        Option(help="Rows of each group; of each combination where the design is made.", metavar="ROWS"),
    ] = None
    within: Annotated[
        list[str] | None,
        Option(help="Every group has all of these: day=0:9, or x=normal. May be repeated.", metavar="NAME=VALUES"),
    ] = None
    between: Annotated[
        list[str] | None,
        Option(help="Each group has one of these: arm=a,b, or freq@item=low,high.", metavar="NAME=VALUES"),
    ] = None


@dataclass(frozen=True, slots=True)
class Truth:
    """The parameters."""

    fixef: Annotated[
        list[str] | None, Option(help="A coefficient: x=0.5. May be repeated; else 0.", metavar="NAME=VALUE")
    ] = None
    sd: Annotated[
        list[str] | None,
        Option(help="Of random effects: subject=25,6 or subject[day]=6. May be repeated.", metavar="GROUP=VALUES"),
    ] = None
    cor: Annotated[
        list[str] | None,
        Option(help='"subject=0.3", "subject[Intercept, day]=0.3". May be repeated; else 0.', metavar="GROUP=VALUE"),
    ] = None
    sigma: Annotated[float | None, Option(help="Residual sd.", metavar="VALUE", show_default="1")] = None


def simulate(
    formula: options.Formula,
    data: options.MaybeData = None,
    *,
    design: Design,
    truth: Truth,
    columns: Columns,
    seed: options.Seed = None,
    out: Annotated[
        Path | None, Option(help="A csv file; the truth goes beside it. Else stdout.", metavar="FILE.csv")
    ] = None,
    json: options.Json = False,
) -> None:
    """Data from a stated model, with the truth beside them.

    Rows are those of a data file, or are made of --groups, --within and
    --between. What a data file with a response is not told is estimated
    from it.

    Try it:

        bayeslmm simulate "y ~ x + (1 | g)" --groups 9 --within x=0:4 --sd 2
    """
    from bayeslmm.cli.planning import simulate as run

    asked = request(Source(formula, data or ""), columns, out=out, json=json)
    run(_plan(asked, design, truth), seed)


def power(
    formula: options.Formula,
    data: options.MaybeData = None,
    *,
    design: Design,
    truth: Truth,
    term: Annotated[
        list[str] | None,
        Option(help="What is tested: a coefficient or a combination. May be repeated.", metavar="EFFECT"),
    ] = None,
    n: Annotated[int, Option("--n", help="Simulated data sets for each design.", metavar="N", min=2)] = 500,
    alpha: Annotated[float, Option(help="Level of the tests.", metavar="P")] = 0.05,
    fitting: Fitting,
    columns: Columns,
    seed: options.FixedSeed = 1,
    out: options.Folder = None,
    json: options.Json = False,
) -> None:
    """Power, errors of sign and size, and coverage, by simulation.

    Of a data file, such as a pilot study, extended to --groups 10,20,40; or of
    a design that is made of --groups, --within and --between. What a data file
    with a response is not told is estimated from it.

    Try it on packaged data:

        bayeslmm power "effort ~ Type + (1 | Subject)" ergostool --groups 4,8
    """
    from bayeslmm.cli.planning import power as run

    asked = request(Source(formula, data or ""), columns, fitting, out=out, json=json)
    run(_plan(asked, design, truth), term, n, alpha, seed)


def _plan(asked: Request, design: Design, truth: Truth) -> "Plan":
    from bayeslmm.cli.planning import Plan

    return Plan(
        asked,
        design.groups or [],
        design.per_group,
        design.within or [],
        design.between or [],
        truth.fixef or [],
        truth.sd or [],
        truth.cor or [],
        truth.sigma,
    )
