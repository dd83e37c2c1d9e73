"""Whether draws and model can be trusted: diagnostics, cross-validation, predictive checks."""

from bayeslmm.errors import ArgumentError
from bayeslmm.results.posterior.base import PosteriorBase
from bayeslmm.results.posterior_check import PosteriorCheck, check_posterior
from bayeslmm.results.posterior_diagnostics import Diagnostics
from bayeslmm.results.posterior_loo import Loo, exact_logo, exact_loo, psis_loo
from bayeslmm.results.predictor import Seed


class PosteriorTrust(PosteriorBase):
    """How far to trust it."""

    def diagnostics(self) -> Diagnostics:
        """Divergences, R-hat, ESS, E-BFMI and tree depth, each with what to do; `print` it, or take `.table`, `.ok`."""
        return self._diagnostics

    def loo(self, conditional: bool = False, draws: int | None = None) -> Loo:
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
        """
        if not conditional:
            self._needs_normal("loo")
            return exact_loo(self.draws, self.priors, self._obs, draws)
        if draws is not None:
            raise ArgumentError("loo(conditional=True) takes all draws; draws=... is for the exact one")
        if "log_likelihood" not in self.data.children:
            self._needs_normal("loo(conditional=True)")
        tree = self.data if "log_likelihood" in self.data.children else self._posterior.extended("log_likelihood").data
        return psis_loo(tree)

    def logo(self, group: str) -> Loo:
        """Leave-one-group-out cross-validation, exact as `loo()`: all rows of a level, jointly, from all others.

        Parameters
        ----------
        group
            A grouping factor of the model.
        """
        self._needs_normal("logo")
        return exact_logo(self.draws, self.priors, group)

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
