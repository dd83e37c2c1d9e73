"""`blm.lmer`: the REML or ML fit of a formula and data."""

from typing import Any, overload

from bayeslmm.errors import check_options
from bayeslmm.model import Model
from bayeslmm.point.optimise import Optimizer
from bayeslmm.results.fit import Fit
from bayeslmm.results.pooled import PooledFits
from bayeslmm.verbs.imputed import are_frames, pooled_fits


@overload
def lmer(
    formula: str, data: list[Any], reml: bool = True, optimizer: Optimizer = "lbfgs", **options: Any
) -> PooledFits: ...


@overload
def lmer(formula: str, data: Any, reml: bool = True, optimizer: Optimizer = "lbfgs", **options: Any) -> Fit: ...


def lmer(
    formula: str,
    data: Any,
    reml: bool = True,
    optimizer: Optimizer = "lbfgs",
    **options: Any,
) -> Fit | PooledFits:
    """Fit a linear mixed model by REML or ML: `Model(formula, data, **options).fit(reml, optimizer)`.

    Parameters
    ----------
    formula, data
        As for `Model`; a list of multiply imputed frames is fitted one by one and pooled, as by `blm.pool`.
    reml, optimizer
        As for `Model.fit`.
    **options
        `weights`, `offset`, `contrasts`, `functions`: as for `Model`.

    Returns
    -------
    Fit, or PooledFits of a list of frames.

    Examples
    --------
    >>> import bayeslmm as blm
    >>> fit = blm.lmer("Reaction ~ Days + (Days | Subject)", blm.datasets.load("sleepstudy"))
    >>> round(fit.criterion, 4)
    1743.6283
    """
    known = ("reml", "optimizer", "family", "weights", "offset", "contrasts", "functions", "priors", "data_name")
    check_options(options, known, "lmer")
    if are_frames(data):
        return pooled_fits([Model(formula, frame, **options) for frame in data], reml, optimizer)
    return Model(formula, data, **options).fit(reml, optimizer)
