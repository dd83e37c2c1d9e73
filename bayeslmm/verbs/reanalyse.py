"""`blm.reanalyse`: from a singular fit to an answer."""

from typing import TYPE_CHECKING, Any

from bayeslmm.errors import ArgumentError
from bayeslmm.model import Model
from bayeslmm.point.optimise import Optimizer
from bayeslmm.results.fit import Fit
from bayeslmm.results.fit_warnings import unwarned

if TYPE_CHECKING:
    from bayeslmm.compare.triage.reanalysis import Reanalysis


def reanalyse(
    model: str | Model | Fit,
    data: Any = None,
    reml: bool = True,
    optimizer: Optimizer = "lbfgs",
    **options: Any,
) -> "Reanalysis":
    """From a singular fit to an answer: what is singular, what else could be done, the posterior, what to report.

    Parameters
    ----------
    model, data
        A formula and its data; or a `Fit` or a `Model` alone.
    reml, optimizer
        As for `Model.fit`, where a formula or a model is given.
    **options
        `focal` (the effects that matter), `post` (a posterior made before), `ddf`, `level`, `near`, `seed`,
        `sensitivity`, `sampling`, `bootstrap`: as for `bayeslmm.compare.triage.reanalysis.reanalyse`. With a formula
        also `weights`, `offset`, `contrasts`, `functions`, `priors`, `data_name`: as for `Model`.

    Returns
    -------
    Reanalysis
        `print` it; `.verdict`, `.effects`, `.singular`, `.alternatives`, `.posterior`; `.plot()`.

    Examples
    --------
    >>> import bayeslmm as blm
    >>> salary = blm.datasets.load("salary")
    >>> found = blm.reanalyse("salary ~ 1 + grade + (1 + grade | major)", salary, sensitivity=False)
    >>> found.verdict.recommendation
    'posterior'
    """
    if isinstance(model, Fit | Model) and data is not None:
        raise ArgumentError("reanalyse: data belong to a formula; a fit or a model has its own")
    if isinstance(model, Fit):
        return model.reanalyse(**options)
    if not isinstance(model, Model):
        given = ("family", "weights", "offset", "contrasts", "functions", "priors", "data_name")
        of_model = {k: options.pop(k) for k in given if k in options}
        model = Model(model, data, **of_model)
    with unwarned():
        fit = model.fit(reml, optimizer)
    return model.reanalyse(fit, **options)
