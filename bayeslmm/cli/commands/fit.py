"""`bayeslmm fit`."""

from bayeslmm.cli import options
from bayeslmm.cli.groups import Columns, Fitting, Sampler, Source, request


def fit(
    source: Source,
    fitting: Fitting,
    *,
    optimizer: options.Optimizer = "lbfgs",
    columns: Columns,
    bayes: options.Bayes = False,
    sampler: Sampler,
    cluster: options.Cluster = None,
    out: options.Folder = None,
    json: options.Json = False,
) -> None:
    """Fit a formula to a data file.

    Text columns are factors; empty cells and NA are missing. A formula
    without a bar is fitted by least squares.

    Try it on packaged data:

        bayeslmm fit "Reaction ~ Days + (Days | Subject)" sleepstudy
    """
    from bayeslmm.cli.fit import run

    run(request(source, columns, fitting, sampler, bayes, optimizer, out, json, cluster))
