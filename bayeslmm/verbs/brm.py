"""`blm.brm`: the posterior of a formula and data."""

from typing import TYPE_CHECKING, Any, overload

from bayeslmm.model import Model
from bayeslmm.verbs.imputed import are_frames, pooled_posteriors

if TYPE_CHECKING:
    from bayeslmm.results.pooled_posterior import PooledPosterior
    from bayeslmm.results.posterior import Posterior


@overload
def brm(formula: str, data: list[Any], priors: Any = None, **options: Any) -> "PooledPosterior": ...


@overload
def brm(formula: str, data: Any, priors: Any = None, **options: Any) -> "Posterior": ...


def brm(formula: str, data: Any, priors: Any = None, **options: Any) -> "Posterior | PooledPosterior":
    """Sample the posterior of a mixed model: `Model(formula, data, priors=priors).sample(...)`.

    Parameters
    ----------
    formula, data, priors
        As for `Model`; a list of multiply imputed frames is sampled one by one, and the draws are stacked, as by
        `blm.pool`. All have the same priors: default ones have the scale of the rows of all frames together.
    **options
        `weights`, `offset`, `contrasts`, `functions` as for `Model`; all others as for `Model.sample`.

    Returns
    -------
    Posterior, or PooledPosterior of a list of frames.

    Examples
    --------
    >>> import bayeslmm as blm
    >>> post = blm.brm("Reaction ~ Days + (Days | Subject)", blm.datasets.load("sleepstudy"), seed=1)
    >>> round(float(post.fixef["Days"]), 0)
    10.0
    """
    model_options = {
        k: options.pop(k)
        for k in ("family", "weights", "offset", "contrasts", "functions", "data_name")
        if k in options
    }
    if are_frames(data):
        return pooled_posteriors([Model(formula, d, priors=priors, **model_options) for d in data], options)
    return Model(formula, data, priors=priors, **model_options).sample(**options)
