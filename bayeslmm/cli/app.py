"""The commands and their options. What they need is imported when they run, so that `--help` is there at once."""

from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from bayeslmm.cli.request import Request, Sampling, contrasts_of
from bayeslmm.cli.sentences import in_sentences

OVERVIEW = """bayeslmm: mixed models from one lme4-style formula, the exact REML fit and the
Bayesian posterior of the same model, side by side.

  bayeslmm demo
      The salary analysis: a singular fit, and what it can still tell.
  bayeslmm fit "y ~ x + (x | g)" data.csv
      Your own data: the summary that lmerTest prints.
  bayeslmm fit "y ~ x + (x | g)" data.csv --bayes --out results
      And the posterior, the comparison, pictures, tables.
  bayeslmm reanalyse "y ~ x + (x | g)" data.csv --out triage
      A singular fit, and what can be concluded from it.
  bayeslmm datasets
      The packaged data sets, to try things on.

bayeslmm COMMAND --help tells the options. From Python: import bayeslmm as blm"""

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"bayeslmm {version('bayeslmm')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def overview(
    context: typer.Context,
    show_version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Mixed models from one lme4-style formula, by REML and by NUTS, side by side."""
    if context.invoked_subcommand is None:
        typer.echo(OVERVIEW)


@app.command()
@in_sentences
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the pictures and the report.", metavar="DIR")] = Path(
        "bayeslmm-demo"
    ),
    seed: Annotated[int, typer.Option(help="Seed of the sampler.", metavar="N", min=0)] = 1,
    bayes: Annotated[bool, typer.Option("--bayes/--no-bayes", help="With or without the posterior.")] = True,
) -> None:
    """The salary analysis: a report, and pictures in a folder.

    From a regression with the wrong sign to a singular fit and its posterior.
    The data are packaged; `bayeslmm datasets salary` describes them.
    """
    from bayeslmm.cli.demo import run

    run(out, seed, bayes)


@app.command()
@in_sentences
def fit(
    formula: Annotated[str, typer.Argument(help='lme4-style formula, in quotes: "y ~ x + (x | g)".')],
    data: Annotated[str, typer.Argument(help="A csv, tsv or parquet file, or a packaged data set's name.")],
    ml: Annotated[bool, typer.Option("--ml", help="Maximum likelihood instead of REML.")] = False,
    ddf: Annotated[
        str,
        typer.Option(
            help="Degrees of freedom: satterthwaite, kenward-roger, containment, residual or asymptotic.",
            metavar="METHOD",
        ),
    ] = "satterthwaite",
    optimizer: Annotated[
        str, typer.Option(help="bobyqa stops where lme4 stops.", metavar="lbfgs|bobyqa|nelder-mead")
    ] = "lbfgs",
    weights: Annotated[str | None, typer.Option(help="Column of prior weights.", metavar="COLUMN")] = None,
    offset: Annotated[str | None, typer.Option(help="Column of the offset.", metavar="COLUMN")] = None,
    contrasts: Annotated[
        list[str] | None,
        typer.Option(
            help="Coding of a factor: treatment, sum, helmert or poly. May be repeated.", metavar="FACTOR=CODING"
        ),
    ] = None,
    bayes: Annotated[bool, typer.Option("--bayes", help="Sample the posterior too, and compare.")] = False,
    draws: Annotated[int, typer.Option(help="Draws of each chain.", metavar="N", min=1)] = 1000,
    tune: Annotated[int, typer.Option(help="Tuning steps of each chain.", metavar="N", min=0)] = 1000,
    chains: Annotated[int, typer.Option(help="Number of chains.", metavar="N", min=1)] = 4,
    target_accept: Annotated[
        float, typer.Option(help="Nearer to 1: smaller steps, fewer divergences.", metavar="P", min=0.01, max=0.999)
    ] = 0.95,
    seed: Annotated[int | None, typer.Option(help="Seed of the sampler.", metavar="N", min=0)] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for tables, pictures and the report.", metavar="DIR")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")] = False,
) -> None:
    """Fit a formula to a data file.

    Text columns are factors; empty cells and NA are missing. A formula
    without a bar is fitted by least squares.

    Try it on packaged data:

        bayeslmm fit "Reaction ~ Days + (Days | Subject)" sleepstudy
    """
    from bayeslmm.cli.fit import run

    sampling = Sampling(draws, tune, chains, seed, target_accept) if bayes else None
    run(
        Request(
            formula,
            data,
            reml=not ml,
            ddf=ddf,
            optimizer=optimizer,
            weights=weights,
            offset=offset,
            contrasts=contrasts_of(contrasts or []),
            sampling=sampling,
            out=out,
            json=json,
        )
    )


@app.command()
@in_sentences
def reanalyse(
    formula: Annotated[str, typer.Argument(help='lme4-style formula, in quotes: "y ~ x + (x | g)".')],
    data: Annotated[str, typer.Argument(help="A csv, tsv or parquet file, or a packaged data set's name.")],
    focal: Annotated[
        list[str] | None,
        typer.Option(help="An effect that matters: a coefficient or a combination. May be repeated.", metavar="EFFECT"),
    ] = None,
    ml: Annotated[bool, typer.Option("--ml", help="Maximum likelihood instead of REML.")] = False,
    ddf: Annotated[
        str,
        typer.Option(
            help="Degrees of freedom: satterthwaite, kenward-roger, containment, residual or asymptotic.",
            metavar="METHOD",
        ),
    ] = "satterthwaite",
    weights: Annotated[str | None, typer.Option(help="Column of prior weights.", metavar="COLUMN")] = None,
    offset: Annotated[str | None, typer.Option(help="Column of the offset.", metavar="COLUMN")] = None,
    contrasts: Annotated[
        list[str] | None,
        typer.Option(
            help="Coding of a factor: treatment, sum, helmert or poly. May be repeated.", metavar="FACTOR=CODING"
        ),
    ] = None,
    near: Annotated[
        float, typer.Option(help="What counts as near the boundary.", metavar="SHARE", min=0.001, max=0.999)
    ] = 0.1,
    sensitivity: Annotated[
        bool, typer.Option("--sensitivity/--no-sensitivity", help="Ask what other priors would conclude.")
    ] = True,
    draws: Annotated[int, typer.Option(help="Draws of each chain.", metavar="N", min=1)] = 1000,
    chains: Annotated[int, typer.Option(help="Number of chains.", metavar="N", min=1)] = 4,
    seed: Annotated[int, typer.Option(help="Seed of the sampler.", metavar="N", min=0)] = 1,
    out: Annotated[Path | None, typer.Option(help="Folder for tables, pictures and the text.", metavar="DIR")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")] = False,
) -> None:
    """From a singular fit to an answer: what is singular, what to report.

    Tries what could be done in the frequentist frame, samples the posterior
    of the same model, and says whether the conclusions are the same.

    Try it on packaged data:

        bayeslmm reanalyse "salary ~ grade + (grade | major)" salary
    """
    from bayeslmm.cli.reanalyse import Triage, run

    coded = contrasts_of(contrasts or [])
    request = Request(formula, data, not ml, ddf, weights=weights, offset=offset, contrasts=coded, out=out, json=json)
    run(Triage(request, focal, near, sensitivity, draws, chains, seed))


@app.command()
@in_sentences
def datasets(name: Annotated[str | None, typer.Argument(help="Say more about one of them.")] = None) -> None:
    """List the packaged data sets."""
    from bayeslmm.cli.datasets import run

    run(name)
