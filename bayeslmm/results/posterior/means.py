"""Functions of the coefficients: contrasts, hypotheses, marginal means, slopes."""

from dataclasses import replace
from typing import Any

from bayeslmm.design.linear import linear_functions
from bayeslmm.design.reference_grid import Weights
from bayeslmm.results.checks import check_level
from bayeslmm.results.means import At, Means, Names, Request
from bayeslmm.results.posterior.base import PosteriorBase
from bayeslmm.results.posterior_hypothesis import Hypotheses, HypothesisTable, Rope, judge
from bayeslmm.results.posterior_means import of_draws


class PosteriorMeans(PosteriorBase):
    """What the coefficients say of means, and of statements about them."""

    def contrast(self, L: Any, level: float = 0.95) -> Means:
        """Posterior of linear functions of the coefficients.

        Parameters
        ----------
        L
            As for `Fit.contrast`; a value right of `=` is subtracted.
        level
            Probability of the equal-tailed intervals.
        """
        functions = linear_functions(L, self.design)
        shifted = replace(functions, constant=functions.constant - functions.null)
        return of_draws(Request.one_family(shifted, ()), self.draws.beta, check_level(level))

    def hypothesis(self, hypotheses: Hypotheses, rope: Rope = None, level: float = 0.95) -> HypothesisTable:
        """Judge statements about the parameters: how probable they are, and what the data changed.

        Parameters
        ----------
        hypotheses
            `"grade > 0"`, `"grade - 2 * female"`, `"grade = 0"`; several between commas, in a list, or in a dict by
            name. Coefficients, `sd_g[effect]`, `cor_g[effect, effect]` and `sigma` can be combined linearly. An
            equality is judged by the ratio of posterior and prior density there, for coefficients with proper priors.
        rope
            (low, high): from where to where left less right side counts as no difference.
        level
            Probability of the equal-tailed intervals.

        Raises
        ------
        ArgumentError
            A name is not known, or an equality has no prior density to compare with, and no rope.

        Examples
        --------
        >>> import bayeslmm as blm
        >>> post = blm.brm("Reaction ~ Days + (Days | Subject)", blm.datasets.load("sleepstudy"), seed=1)
        >>> post.hypothesis("Days > 8").table["probability"].round(1).tolist()
        [0.9]
        """
        return judge(self.draws, self.priors, hypotheses, rope, check_level(level))

    def means(
        self,
        specs: Names = None,
        by: Names = None,
        at: At = None,
        weights: Weights = "equal",
        level: float = 0.95,
    ) -> Means:
        """Posterior of marginal means; arguments as for `Fit.means`."""
        return of_draws(Request.means(self.design, specs, by, at, weights), self.draws.beta, check_level(level))

    def contrasts(
        self,
        specs: Names,
        method: Any = "pairwise",
        by: Names = None,
        at: At = None,
        weights: Weights = "equal",
        ref: Any = None,
        level: float = 0.95,
    ) -> Means:
        """Posterior of comparisons of marginal means; arguments as for `Fit.contrasts`."""
        request = Request.contrasts(self.design, specs, method, by, at, weights, ref)
        return of_draws(request, self.draws.beta, check_level(level))

    def slopes(
        self,
        variable: str,
        by: Names = None,
        at: At = None,
        weights: Weights = "equal",
        level: float = 0.95,
    ) -> Means:
        """Posterior of slopes of the mean in a numeric predictor; arguments as for `Fit.slopes`."""
        return of_draws(Request.slopes(self.design, variable, by, at, weights), self.draws.beta, check_level(level))
