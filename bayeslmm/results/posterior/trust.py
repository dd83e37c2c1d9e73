"""Whether draws and model can be trusted: diagnostics, cross-validation, predictive checks."""

from typing import TYPE_CHECKING

import numpy as np

from bayeslmm.errors import ArgumentError
from bayeslmm.results.posterior.base import PosteriorBase
from bayeslmm.results.posterior_check import PosteriorCheck, check_posterior
from bayeslmm.results.posterior_diagnostics import Diagnostics
from bayeslmm.results.posterior_loo import Loo, exact_logo, exact_loo, psis_loo
from bayeslmm.results.posterior_refit import refit_bad, seed_of
from bayeslmm.results.simulations import Seed

if TYPE_CHECKING:
    from bayeslmm.results.posterior import Posterior


class PosteriorTrust(PosteriorBase):
    """How far to trust it."""

    def diagnostics(self) -> Diagnostics:
        """Divergences, R-hat, ESS, E-BFMI and tree depth, each with what to do; `print` it, or take `.table`, `.ok`."""
        return self._diagnostics

    def loo(self, conditional: bool = False, draws: int | None = None, refit: bool = False) -> Loo:
        """Leave-one-out cross-validation by PSIS, exact for every draw of the sds, correlations and sigma.

        How well is a row predicted from all others? Random effects, and coefficients with a normal or flat prior, are
        integrated out in closed form, so that importance sampling has to account for the few other parameters only.

        Parameters
        ----------
        conditional
            Condition on the random effects too, as brms and bambi do. Where few rows share a level, single rows hold
            much of what is known about it, and Pareto k says so.
        draws
            How many draws to use, evenly spread; None: all, fewer where rows times draws are more than 20 million.
        refit
            Sample again without each row whose Pareto k is above the limit, and take its elpd from these draws: exact,
            as brms' `reloo`.
        """
        if not conditional:
            self._needs_normal("loo")
            found = exact_loo(self.draws, self.priors, self._obs, draws)
            return refit_bad(found, self.draws, self.priors, self._without) if refit else found
        if draws is not None or refit:
            given = "refit=True" if refit else "draws=..."
            raise ArgumentError(f"loo(conditional=True) takes all draws; {given} is for the exact one")
        if "log_likelihood" not in self.data.children:
            self._needs_normal("loo(conditional=True)")
        tree = self.data if "log_likelihood" in self.data.children else self._posterior.extended("log_likelihood").data
        return psis_loo(tree)

    def logo(self, group: str, refit: bool = False) -> Loo:
        """Leave-one-group-out cross-validation, exact as `loo()`: all rows of a level, jointly, from all others.

        Parameters
        ----------
        group
            A grouping factor of the model.
        refit
            Sample again without each level whose Pareto k is above the limit, and take its elpd from these draws.
        """
        self._needs_normal("logo")
        found = exact_logo(self.draws, self.priors, group)
        return refit_bad(found, self.draws, self.priors, self._without) if refit else found

    def _without(self, rows: np.ndarray, number: int) -> "Posterior":
        """The posterior of the rows that are left, with as many draws."""
        chains, draws = self.draws.shape
        found: Posterior = self.model.of_rows(rows).sample(
            chains=chains, draws=draws, seed=seed_of(self.data.attrs, number), progressbar=False
        )
        return found

    def check(self, replicates: int | None = None, seed: Seed = 1) -> PosteriorCheck:
        """Does the model make data like those observed? One table in words, worst first; `.plot()` shows it.

        Test statistics of rows (replicated with the same levels), of groups (replicated with new levels) and of
        residuals, with posterior predictive p-values; and whether rows lie in their leave-one-out predictive
        distributions as they should (LOO-PIT).

        Parameters
        ----------
        replicates
            How many data sets are made; None: 400, fewer for large data.
        seed
            Of the random numbers.
        """
        self._needs_normal("check")
        return check_posterior(self.draws, self.priors, self._obs, replicates, seed)
