"""Predictions, replicated data, and the groups that ArviZ's plots want."""

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
import pandas as pd
import xarray as xr

from bayeslmm.errors import ArgumentError, check_whole, did_you_mean
from bayeslmm.results import posterior_predict as predictions
from bayeslmm.results.posterior.base import PosteriorBase
from bayeslmm.results.posterior_predict import AsDraws, Interval, NewLevels, Replicated
from bayeslmm.results.predictor import Kind
from bayeslmm.results.simulations import Seed

if TYPE_CHECKING:
    from bayeslmm.bayes.priors import Priors
    from bayeslmm.results.posterior import Posterior

GROUPS = ("posterior_predictive", "log_likelihood", "prior", "log_prior")


class PosteriorPredictions(PosteriorBase):
    """What the model says of rows."""

    def predict(
        self,
        newdata: Any = None,
        re: Literal["all", "none"] | Collection[str] = "all",
        new_levels: NewLevels = "error",
        kind: Kind = "expected",
        level: float = 0.95,
        seed: Seed = None,
        draws: AsDraws = False,
        interval: Interval | None = None,
    ) -> pd.DataFrame | np.ndarray | xr.DataArray:
        """Predictions with their uncertainty, for any number of rows: a chunk of them is in memory at a time.

        Parameters
        ----------
        newdata
            Any data frame with the columns of the right-hand side; None for the rows that were fitted.
        re
            Which random effects count: "all", "none", or names of grouping factors.
        new_levels
            A level that was not in the data is an "error", gets the "population" value (effects of zero), or effects
            that are a "sample" from their distribution: one draw per level and posterior draw.
        kind
            "expected": the mean of the response; "linear": the linear predictor, which is the same for a Gaussian
            response; "predictive": a new response, with residual noise. Rows of `newdata` have weight 1.
        level
            Probability of the equal-tailed intervals.
        seed
            Of new levels and of the noise.
        draws
            Return the draws instead of their summary: True or "array" as (draws, rows), "xarray" with dims chain, draw
            and obs. All of them have to fit into memory.
        interval
            Ask as `Fit.predict` is asked, for the interval of the mean of a row, "confidence" (or "expected"), or of a
            new observation of it, "prediction" (or "predictive"). Then levels that are new vary with their full
            variance, unless they are an "error"; an observation has the weight in the column that the model took its
            weights from, and comes from one new level of the groups that `re` leaves out.

        Returns
        -------
        DataFrame
            Columns estimate (mean), se (sd), lower, upper, with the index of `newdata` where it has one; NaN where a
            value is missing.

        Raises
        ------
        DataError
            A column is missing, or a level is new and that was not allowed for.
        ArgumentError
            An argument is not known, or the draws do not fit into memory.
        """
        if kind == "predictive" or interval in ("prediction", "predictive"):
            self._needs_normal("predict, of measurements")
        return predictions.predict_posterior(self.draws, newdata, re, new_levels, kind, level, seed, draws, interval)

    def posterior_predictive(self, re: Replicated = "all", seed: Seed = None) -> xr.Dataset:
        """New responses `y` (chain, draw, obs) for the rows that were fitted.

        Parameters
        ----------
        re
            "all": of the same levels, with their random effects; "new": of new levels, whose effects are drawn from
            their distribution, once per level and posterior draw; "none": with effects of zero.
        seed
            Of the random numbers.
        """
        self._needs_normal("posterior_predictive")
        return predictions.posterior_predictive(self.draws, self._obs, seed, re)

    def log_likelihood(self) -> xr.DataArray:
        """Log density (chain, draw, obs) of each response, given its random effects; weights respected."""
        self._needs_normal("log_likelihood")
        return predictions.log_likelihood(self.draws, self._obs)["y"]

    def prior(self, draws: int = 1000, seed: int | None = None) -> xr.Dataset:
        """Draws from the prior, with the names and dims of the posterior.

        Parameters
        ----------
        draws
            How many.
        seed
            Of the random numbers.
        """
        from bayeslmm.bayes.prior_draws import prior_draws

        check_whole("draws", draws, 1, "prior")
        return prior_draws(self.design, cast("Priors", self.priors), draws=int(draws), seed=seed)

    def extended(self, *groups: str, seed: int | None = None, prior_draws: int = 1000) -> "Posterior":
        """Return the same posterior with more groups in `data`, as ArviZ's plots want them.

        Parameters
        ----------
        *groups
            Of "posterior_predictive", "log_likelihood", "prior", "log_prior"; none given is the first two.
        seed
            Of the random numbers.
        prior_draws
            How many draws `prior` has.
        """
        make = {
            "posterior_predictive": lambda: self.posterior_predictive(seed=seed),
            "log_likelihood": lambda: self.log_likelihood().to_dataset(name="y"),
            "prior": lambda: self.prior(prior_draws, seed),
            "log_prior": self._log_prior,
        }
        for name in groups:
            if name not in GROUPS:
                raise ArgumentError(f"there is no group `{name}` to add" + did_you_mean(name, GROUPS))
        added = {name: make[name]() for name in groups or GROUPS[:2]}
        present = {name: node.to_dataset() for name, node in self.data.children.items()}
        tree = xr.DataTree.from_dict({**present, **added})
        tree.attrs = dict(self.data.attrs)
        return replace(self._posterior, data=tree)

    def _log_prior(self) -> xr.Dataset:
        from bayeslmm.results.prior_parameters import log_prior_dataset, own_priors

        return log_prior_dataset(self.draws, own_priors(self.priors, "log_prior"))
