"""`bayeslmm priors` and `bayeslmm loo`: before and after the posterior."""

from typing import Annotated

from typer import Option

from bayeslmm.cli import options
from bayeslmm.cli.groups import Columns, Sampler, Source, request


def priors(
    source: Source,
    columns: Columns,
    prior: options.Prior = None,
    out: options.TableFile = None,
    json: options.Json = False,
) -> None:
    """The priors of every parameter, in the units of the response.

    Try it on packaged data:

        bayeslmm priors "Reaction ~ Days + (Days | Subject)" sleepstudy
    """
    from bayeslmm.cli.tables import priors as make
    from bayeslmm.cli.task import run

    run("priors", request(source, columns, sampler=Sampler(prior=prior), out=out, json=json), make)


def loo(
    source: Source,
    group: Annotated[
        str | None, Option(help="Leave out whole levels of a grouping factor, not rows.", metavar="GROUP")
    ] = None,
    refit: Annotated[
        bool, Option("--refit", help="Sample again without each row or level that has a bad Pareto k.")
    ] = False,
    *,
    columns: Columns,
    sampler: Sampler,
    out: options.TableFile = None,
    json: options.Json = False,
) -> None:
    """Leave-one-out cross-validation of the posterior: of rows or of groups.

    Try it on packaged data:

        bayeslmm loo "Yield ~ 1 + (1 | Batch)" dyestuff --group Batch
    """
    from bayeslmm.cli.tables import loo as make
    from bayeslmm.cli.task import run

    run("loo", request(source, columns, sampler=sampler, out=out, json=json), make, group=group, refit=refit)
