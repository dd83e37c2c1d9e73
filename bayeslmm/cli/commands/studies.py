"""`bayeslmm check`, `pooling`, `alternatives`: a text, and a folder with tables and pictures."""

from typing import Annotated

from typer import Option

from bayeslmm.cli import options
from bayeslmm.cli.groups import Columns, Fitting, Sampler, Source, request


def check(
    source: Source,
    fitting: Fitting,
    columns: Columns,
    seed: options.FixedSeed = 1,
    out: options.Folder = None,
    json: options.Json = False,
) -> None:
    """Look at everything that can be wrong with a fit, worst first.

    What was seen, why it matters, and what to do.

    Try it on packaged data:

        bayeslmm check "Reaction ~ Days + (Days | Subject)" sleepstudy
    """
    from bayeslmm.cli.studies import check as make
    from bayeslmm.cli.studies import run

    run("check", request(source, columns, fitting, out=out, json=json), make, seed=seed)


def pooling(
    source: Source,
    fitting: Fitting,
    columns: Columns,
    level: options.Level = 0.95,
    bayes: Annotated[bool, Option("--bayes", help="Add the partial pooling of the posterior.")] = False,
    *,
    sampler: Sampler,
    out: options.Folder = None,
    json: options.Json = False,
) -> None:
    """No, complete and partial pooling of every level: who moved, and why.

    Try it on packaged data:

        bayeslmm pooling "salary ~ grade + (grade | major)" salary
    """
    from bayeslmm.cli.studies import pooling as make
    from bayeslmm.cli.studies import run

    asked = request(source, columns, fitting, sampler, bayes, out=out, json=json)
    run("pooling", asked, make, level=level)


def alternatives(
    source: Source,
    focal: options.Focal = None,
    group: Annotated[str | None, Option(help="Whose levels are the clusters.", metavar="GROUP")] = None,
    coding: Annotated[
        str, Option(help="Of the clusters as fixed effects: sum, treatment, helmert or poly.", metavar="CODING")
    ] = "sum",
    level: options.Level = 0.95,
    *,
    columns: Columns,
    bayes: Annotated[bool, Option("--bayes/--no-bayes", help="With or without the posterior.")] = True,
    prior: options.Prior = None,
    seed: options.FixedSeed = 1,
    out: options.Folder = None,
    json: options.Json = False,
) -> None:
    """Least squares, robust errors, cluster means, fixed effects, mixed models.

    What each says of the same coefficients, what it assumes, and when it
    misleads; with a forest plot.

    Try it on packaged data:

        bayeslmm alternatives "salary ~ grade + (grade | major)" salary
    """
    from bayeslmm.cli.studies import alternatives as make
    from bayeslmm.cli.studies import run

    asked = request(source, columns, sampler=Sampler(prior=prior), out=out, json=json)
    how = {"focal": focal, "group": group, "group_contrasts": coding, "bayes": bayes, "level": level, "seed": seed}
    run("alternatives", asked, make, **how)
