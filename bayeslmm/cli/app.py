"""The `bayeslmm` command: its commands in the order in which one meets them, and what it says without one."""

from collections.abc import Callable
from importlib.metadata import version
from typing import Annotated

import typer

from bayeslmm.cli.commands import first, fit, reanalyse
from bayeslmm.cli.sentences import in_sentences
from bayeslmm.cli.spread import spread

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

COMMANDS: tuple[Callable[..., None], ...] = (
    first.demo,
    first.datasets,
    fit.fit,
    reanalyse.reanalyse,
)

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in COMMANDS:
    app.command()(in_sentences(spread(command)))


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
