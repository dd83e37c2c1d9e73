"""`bayeslmm explain`, `report`, `apa`: in words."""

from pathlib import Path
from typing import Annotated

from typer import Option

from bayeslmm.cli import options
from bayeslmm.cli.groups import Columns, Fitting, Sampler, Source, request


def explain(
    formula: options.Formula,
    data: options.MaybeData = None,
    latex: Annotated[bool, Option("--latex", help="The equations alone, as LaTeX.")] = False,
    *,
    columns: Columns,
    out: options.TableFile = None,
    json: options.Json = False,
) -> None:
    """What a formula means, in words and equations.

    With data also the levels and rows behind every term, how the groups lie
    to each other, and where formula and data do not fit.

    Try it on packaged data:

        bayeslmm explain "strength ~ 1 + (1 | batch/cask)" pastes
    """
    from bayeslmm.cli.explain import run

    run(request(Source(formula, data or ""), columns, out=out, json=json), latex)


def report(
    source: Source,
    out: Annotated[Path, Option(help="The page: a file that ends in .html.", metavar="FILE")] = Path("report.html"),
    bayes: options.FromPosterior = False,
    level: options.Level = 0.95,
    title: Annotated[str | None, Option(help="Of the page.", metavar="TEXT")] = None,
    *,
    fitting: Fitting,
    columns: Columns,
    sampler: Sampler,
    cluster: options.Cluster = None,
    json: options.Json = False,
) -> None:
    """One page for the co-authors: verdict, paragraphs, tables, pictures.

    A single HTML file that needs nothing else, on a phone or on paper.

    Try it on packaged data:

        bayeslmm report "distance ~ age + (age | Subject)" orthodont
    """
    from bayeslmm.cli.paper import report as run

    run(request(source, columns, fitting, sampler, bayes, json=json, cluster=cluster), out, level, title)


def apa(
    source: Source,
    bayes: options.FromPosterior = False,
    format: Annotated[
        str | None, Option(help="Else as the file's name says, or text.", metavar="text|markdown|latex|html")
    ] = None,
    term: Annotated[
        list[str] | None, Option(help="A coefficient to tell of. May be repeated; else all.", metavar="NAME")
    ] = None,
    level: options.Level = 0.95,
    *,
    fitting: Fitting,
    columns: Columns,
    sampler: Sampler,
    cluster: options.Cluster = None,
    out: Annotated[
        Path | None, Option(help="File for the paragraphs: .txt, .md, .tex or .html.", metavar="FILE")
    ] = None,
    json: options.Json = False,
) -> None:
    """Methods and results for the paper, in APA style.

    Try it on packaged data:

        bayeslmm apa "distance ~ age + (age | Subject)" orthodont
    """
    from bayeslmm.cli.paper import apa as run

    run(request(source, columns, fitting, sampler, bayes, json=json, cluster=cluster), out, level, term, format)
