"""`bayeslmm demo` and `bayeslmm datasets`: to look around."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from bayeslmm.cli import options


def demo(
    out: Annotated[Path, Option(help="Folder for the pictures and the report.", metavar="DIR")] = Path("bayeslmm-demo"),
    seed: options.FixedSeed = 1,
    bayes: Annotated[bool, Option("--bayes/--no-bayes", help="With or without the posterior.")] = True,
) -> None:
    """The salary analysis: a report to open, and pictures in a folder.

    From a regression with the wrong sign to a singular fit and its posterior.
    The data are packaged; `bayeslmm datasets salary` describes them.
    """
    from bayeslmm.cli.demo import run

    run(out, seed, bayes)


def datasets(name: Annotated[str | None, Argument(help="Say more about one of them.")] = None) -> None:
    """List the packaged data sets.

    Each can stand in the place of a file:

        bayeslmm datasets sleepstudy
    """
    from bayeslmm.cli.datasets import run

    run(name)
