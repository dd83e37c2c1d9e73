"""What the priors say before the data speak: draws of the parameters, and of the responses that they imply."""

import numpy as np
import xarray as xr

from bayeslmm.bayes.prior_draws import prior_draws
from bayeslmm.bayes.priors import Priors
from bayeslmm.design import Design
from bayeslmm.errors import ArgumentError, check_whole
from bayeslmm.results.posterior_draws import Draws
from bayeslmm.results.posterior_predict import make_predictor
from bayeslmm.results.predictor import Streams

MOST = 500_000_000  # numbers that are returned: 4 GB


def prior_predictive(design: Design, priors: Priors, draws: int, seed: int | None) -> xr.DataTree:
    """`Model.prior_predictive`: `prior` and `prior_predictive` (chain, draw, obs), of one chain, and `observed_data`.

    Raises
    ------
    ArgumentError
        A prior is flat, or the draws would need more than 4 GB.
    """
    check_whole("draws", draws, 1, "prior_predictive")
    held = design.n + sum(t.n_levels * t.k for t in design.terms)
    if draws * held > MOST:
        raise ArgumentError(
            f"prior_predictive(draws={draws}): {draws} draws of {design.n} rows need {8e-9 * draws * held:.1f} GB; "
            f"draws={MOST // held} need 4 GB"
        )
    streams = Streams.of(seed)
    prior = prior_draws(design, priors, draws=int(draws), seed=streams.entropy)
    predictor = make_predictor(Draws(prior, design), seed=streams.entropy)
    y = xr.Dataset(
        {"y": (("chain", "draw", "obs"), predictor.draws("predictive")[None])},
        {"chain": [0], "draw": np.arange(draws), "obs": [int(i) for i in design.rows]},
    )
    observed = xr.Dataset({"y": ("obs", design.y)}, {"obs": y["obs"]})
    return xr.DataTree.from_dict({"prior": prior, "prior_predictive": y, "observed_data": observed})
