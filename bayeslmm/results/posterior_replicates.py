"""Data sets that the draws of a posterior make, beside those observed.

Rows come from the levels that were observed (re="all"), and once more from new levels (re="new"), so that the
distribution of the random effects is judged and not their estimates (mixed predictive checks: Marshall & Spiegelhalter
2007, Bayesian Analysis 2, 409-444).
"""

from dataclasses import dataclass

import numpy as np

from bayeslmm.errors import ArgumentError
from bayeslmm.results.posterior_draws import Draws
from bayeslmm.results.posterior_predict import replicator
from bayeslmm.results.predictor import Streams
from bayeslmm.results.simulations import Seed

MOST, LEAST, NUMBERS = 400, 100, 20_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Replicates:
    """Observed and replicated data, offset taken off.

    Attributes
    ----------
    y
        (n,).
    eta
        (R, n): expectation of each draw, given its random effects.
    same, new
        (R, n): responses of the same levels, and of new ones.
    weights
        (n,).
    """

    y: np.ndarray
    eta: np.ndarray
    same: np.ndarray
    new: np.ndarray
    weights: np.ndarray


def replicate(draws: Draws, replicates: int | None, seed: Seed) -> Replicates:
    """Data sets of draws that are evenly spread over the chains."""
    if replicates is not None and (
        isinstance(replicates, bool) or not isinstance(replicates, int | np.integer) or replicates < 20
    ):
        raise ArgumentError(f"check(replicates={replicates!r}): how many data sets to make, at least 20")
    design, (chains, each) = draws.design, draws.shape
    wanted = replicates or int(np.clip(NUMBERS // max(design.n, 1), LEAST, MOST))
    kept = np.unique(np.linspace(0, each - 1, min(each, -(-wanted // chains))).astype(int))
    some = Draws(draws.posterior.isel(draw=kept), design)
    stream = Streams.of(seed)
    same, new = (replicator(some, re, stream.entropy) for re in ("all", "new"))
    o = design.offset
    expected, first = same.draws("expected"), same.draws("predictive")
    return Replicates(design.y_net, expected - o, first - o, new.draws("predictive") - o, design.weights)
