"""`bayeslmm reanalyse`."""

from typing import Annotated

from typer import Option

from bayeslmm.cli import options
from bayeslmm.cli.groups import Columns, Fitting, Source, request


def reanalyse(
    source: Source,
    fitting: Fitting,
    columns: Columns,
    focal: options.Focal = None,
    near: Annotated[
        float, Option(help="What counts as near the boundary.", metavar="SHARE", min=0.001, max=0.999)
    ] = 0.1,
    sensitivity: Annotated[
        bool, Option("--sensitivity/--no-sensitivity", help="Ask what other priors would conclude.")
    ] = True,
    bootstrap: Annotated[
        str, Option(help="Refits that test simpler models; auto: where it matters.", metavar="auto|none|N")
    ] = "auto",
    draws: options.Draws = 1000,
    chains: options.Chains = 4,
    seed: options.FixedSeed = 1,
    out: options.Folder = None,
    json: options.Json = False,
) -> None:
    """From a singular fit to an answer: what is singular, what to report.

    Tries what could be done in the frequentist frame, samples the posterior
    of the same model, and says whether the conclusions are the same.

    Try it on packaged data:

        bayeslmm reanalyse "salary ~ grade + (grade | major)" salary
    """
    from bayeslmm.cli.reanalyse import Triage, run

    asked = request(source, columns, fitting, out=out, json=json)
    run(Triage(asked, focal, near, sensitivity, bootstrap, draws, chains, seed))
