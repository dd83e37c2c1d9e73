"""`bayeslmm anova`, `ranova`, `confint`: tests and intervals of a fit."""

from typing import Annotated

from typer import Option

from bayeslmm.cli import options
from bayeslmm.cli.groups import Columns, Fitting, Source, request


def anova(
    source: Source,
    fitting: Fitting,
    columns: Columns,
    against: Annotated[
        list[str] | None, Option(help="Another model of the same data, to compare. May be repeated.", metavar="FORMULA")
    ] = None,
    type: Annotated[str, Option(help="Of the sums of squares.", metavar="1|2|3")] = "3",
    method: options.Test = "chisq",
    n: options.Refits = 1000,
    seed: options.FixedSeed = 1,
    cluster: options.Cluster = None,
    out: options.TableFile = None,
    json: options.Json = False,
) -> None:
    """Test the terms of the fixed part; or compare models.

    F tests as lmerTest's anova() prints them. With --against,
    likelihood-ratio tests that respect the boundary; F tests of
    formulas without bars.

    Try it on packaged data:

        bayeslmm anova "distance ~ age * Sex + (1 | Subject)" orthodont
    """
    from bayeslmm.cli.tables import anova as make
    from bayeslmm.cli.task import run

    asked = request(source, columns, fitting, out=out, json=json, cluster=cluster)
    run("anova", asked, make, against=against or [], type=type, method=method, n=n, seed=seed)


def ranova(
    source: Source,
    fitting: Fitting,
    columns: Columns,
    method: options.Test = "chisq",
    n: options.Refits = 1000,
    seed: options.FixedSeed = 1,
    out: options.TableFile = None,
    json: options.Json = False,
) -> None:
    """Test the random terms, one taken away at a time.

    Try it on packaged data:

        bayeslmm ranova "Reaction ~ Days + (Days | Subject)" sleepstudy
    """
    from bayeslmm.cli.tables import ranova as make
    from bayeslmm.cli.task import run

    asked = request(source, columns, fitting, out=out, json=json)
    run("ranova", asked, make, method=method, n=n, seed=seed)


def confint(
    source: Source,
    fitting: Fitting,
    columns: Columns,
    method: Annotated[str, Option(help="As R's confint().", metavar="profile|wald|boot")] = "profile",
    parm: Annotated[
        list[str] | None,
        Option(help='"Days", "sd_Days|Subject", "sigma", "beta_". May be repeated; else all.', metavar="NAME"),
    ] = None,
    level: options.Level = 0.95,
    n: options.Refits = 1000,
    seed: options.FixedSeed = 1,
    out: options.TableFile = None,
    json: options.Json = False,
) -> None:
    """Intervals of coefficients, sds, correlations and sigma.

    Try it on packaged data:

        bayeslmm confint "Reaction ~ Days + (Days | Subject)" sleepstudy
    """
    from bayeslmm.cli.tables import confint as make
    from bayeslmm.cli.task import run

    asked = request(source, columns, fitting, out=out, json=json)
    run("confint", asked, make, method=method, parm=parm, level=level, n=n, seed=seed)
