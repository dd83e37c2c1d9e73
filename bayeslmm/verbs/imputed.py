"""Several frames instead of one, as multiple imputation makes them: fitted or sampled one by one, and pooled."""

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from bayeslmm.design.stacked import stacked
from bayeslmm.errors import PACKAGE, ArgumentError, ConvergenceWarning, DataError, SingularFitWarning
from bayeslmm.model import Model
from bayeslmm.point.optimise import Optimizer
from bayeslmm.point.seeds import generator
from bayeslmm.results.fit_warnings import unwarned
from bayeslmm.results.pooled import PooledFits, check_same, pool

if TYPE_CHECKING:
    from bayeslmm.results.pooled_posterior import PooledPosterior


def are_frames(data: Any) -> bool:
    """Whether these are several frames, as multiple imputation makes them.

    Raises
    ------
    DataError
        A list of something else, or an empty one.
    """
    if not isinstance(data, list):
        return False
    wrong = next((type(d).__name__ for d in data if d is None or np.isscalar(d)), None)
    if wrong or not data:
        given = f"holds something of type {wrong}" if wrong else "is empty"
        raise DataError(
            f"data is a list that {given}; give one data frame (pandas, polars, pyarrow, or a dict of columns), or a "
            "list of such frames, one for each imputed data set"
        )
    return True


def pooled_fits(models: list[Model], reml: bool, optimizer: Optimizer) -> PooledFits:
    """Fit all, and warn once of all that is wrong with them."""
    with unwarned():
        fits = [model.fit(reml, optimizer) for model in models]
    found: PooledFits = pool(fits)
    singular, lost = sum(f.is_singular for f in fits), sum(not f.converged for f in fits)
    if singular:
        warnings.warn(f"{singular} of {len(fits)} fits are singular", SingularFitWarning, skip_file_prefixes=PACKAGE)
    if lost:
        warnings.warn(f"{lost} of {len(fits)} fits did not converge", ConvergenceWarning, skip_file_prefixes=PACKAGE)
    return found


def pooled_posteriors(models: list[Model], options: dict[str, Any]) -> "PooledPosterior":
    """Sample all with the same priors, each with a seed of its own."""
    if "store" in options:
        raise ArgumentError(
            "brm of a list of frames has no `store`; sample each frame with a store of its own, then pool"
        )
    seed = options.pop("seed", None)
    seeds = [None] * len(models) if seed is None else _spawned(seed, len(models))
    _share_priors(models)
    found: PooledPosterior = pool([m.sample(**options, seed=s) for m, s in zip(models, seeds, strict=True)])
    return found


def _share_priors(models: list[Model]) -> None:
    """Give all the priors of the first; default ones have the scale of the rows of all.

    The posterior given what was observed averages over the imputations of one model, whose prior must not depend on
    which of them is looked at, nor on their order.
    """
    if len(models) < 2:
        raise ArgumentError("brm of a list takes two frames at least, one for each imputed data set")
    check_same(models)
    every = stacked([m.design for m in models])
    priors = Model.of_design(every, models[0]._given_priors).priors
    for model in models:
        model.__dict__["priors"] = priors


def _spawned(seed: int, n: int) -> list[int]:
    """Seeds for n runs from one."""
    generator(seed)  # which refuses in a sentence what is no seed
    return [int(s.generate_state(1)[0]) for s in np.random.SeedSequence(seed).spawn(n)]
