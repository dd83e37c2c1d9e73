"""Whether the priors decide."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bayeslmm.design.linear import linear_functions
from bayeslmm.results.checks import check_level
from bayeslmm.results.posterior.base import PosteriorBase
from bayeslmm.results.posterior_draws import Draws

if TYPE_CHECKING:
    from bayeslmm.results.prior_decision import PriorDecision
    from bayeslmm.results.prior_sensitivity import PriorSensitivity


class PosteriorPriors(PosteriorBase):
    """What the priors do to it."""

    def prior_sensitivity(
        self,
        decision: Any = None,
        prior: str = "all",
        level: float = 0.95,
        reach: float = 32.0,
        draws: int = 1000,
        refits: int = 12,
        sampling: Mapping[str, Any] | None = None,
    ) -> "PriorSensitivity | PriorDecision":
        """Whether the priors decide: about each parameter, or about one decision.

        Without `decision`: power-scaling of priors and likelihood (Kallioinen et al. 2024), and a verdict on each
        parameter. With it: how much wider or narrower a prior must be until the interval of a quantity includes zero,
        or excludes it, by reweighting the draws, and by sampling again where k-hat is above 0.7.

        Parameters
        ----------
        decision
            One linear function of the coefficients, as for `contrast`: "grade", "recipeB - recipeC". The interval is
            held against 0, or against the number right of `=`.
        prior
            Of a decision: the prior that changes, by its name in `priors=`: a parameter ("grade", "sd_major[grade]"), a
            class ("beta", "sd", "sd_major", "sigma"), or "all". Priors of correlations and flat ones have no width.
        level
            Of a decision: probability of the equal-tailed interval.
        reach
            Of a decision: the largest factor tried, and one over the smallest.
        draws
            Without a decision: how many draws are used, at most.
        refits, sampling
            Of a decision: the most times the model is sampled again, and with which options of `Model.sample`; None:
            the chains, draws and seed of this posterior.

        Returns
        -------
        PriorSensitivity or PriorDecision
            `print` it; `.table`, of a decision also `.curve`, `.sentence` and `.plot()`.
        """
        self._needs_normal("prior_sensitivity")
        from bayeslmm.results.prior_decision import prior_decision
        from bayeslmm.results.prior_parameters import own_priors
        from bayeslmm.results.prior_sensitivity import prior_sensitivity

        priors = own_priors(self.priors, "prior_sensitivity")
        if decision is None:
            return prior_sensitivity(self.draws, priors, draws)
        function = linear_functions(decision, self.design)

        def refit(given: Mapping[str, Any]) -> Draws:
            return self.model.with_priors(given).sample(**self._sampling(sampling)).draws

        return prior_decision(self.draws, priors, function, prior, refit, check_level(level), reach, refits)

    def _sampling(self, given: Mapping[str, Any] | None) -> dict[str, Any]:
        """Options to sample again as this posterior was."""
        kept = ("chains", "draws", "tune", "seed")
        own: dict[str, Any] = {str(k): v for k, v in self.data.attrs.items() if k in kept}
        return {**own, "progressbar": False, **(given or {})}
