"""The `bayeslmm` command: its commands in the order in which one meets them, and what it says without one."""

from collections.abc import Callable
from importlib.metadata import version
from typing import Annotated

import typer

from bayeslmm.cli.commands import first, fit, means, planning, posterior, reanalyse, studies, tests, words
from bayeslmm.cli.sentences import in_sentences
from bayeslmm.cli.spread import spread

OVERVIEW = """bayeslmm: mixed models from one lme4-style formula, the exact REML fit and the
Bayesian posterior of the same model, side by side.

Look around
  demo           the salary analysis: a singular fit, and what it can still tell
  datasets       packaged data sets: their names stand in for files
  explain        a formula in words and equations, and whether it fits the data

Fit, and tell
  fit            the summary that lmerTest prints; --bayes adds the posterior
  reanalyse      a singular fit, and what can be concluded from it
  report         one page for the co-authors
  apa            methods and results for the paper

Look closer
  check          what may be wrong with a fit, worst first
  pooling        what partial pooling does to every group
  alternatives   what other analyses say: robust errors, fixed effects, ...

Tables
  anova          tests of terms, comparisons of models
  ranova         tests of random effects
  confint        intervals of all parameters
  means          marginal means; contrasts and slopes beside them
  predict        for known and for new groups
  priors, loo    before and after the posterior

Plan
  power          of a design, or of a pilot study with more groups
  simulate       data from a stated model

  bayeslmm fit "y ~ x + (x | g)" data.csv --bayes --out results

bayeslmm COMMAND --help tells the options, and has an example on packaged data.
From Python: import bayeslmm as blm"""

COMMANDS: tuple[Callable[..., None], ...] = (
    first.demo,
    first.datasets,
    words.explain,
    fit.fit,
    reanalyse.reanalyse,
    words.report,
    words.apa,
    studies.check,
    studies.pooling,
    studies.alternatives,
    tests.anova,
    tests.ranova,
    tests.confint,
    means.means,
    means.contrasts,
    means.slopes,
    means.predict,
    posterior.priors,
    posterior.loo,
    planning.power,
    planning.simulate,
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
