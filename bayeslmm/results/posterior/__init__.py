"""`Posterior`: posterior draws of a mixed model, and everything that is read off them, a file a chapter.

Methods orchestrate, as those of `Fit` do; the numbers are in the functions that they call.
"""

from dataclasses import dataclass
from typing import Any, Literal

from bayeslmm.results.posterior.base import FittableModel, ModelWithPriors, PriorTable
from bayeslmm.results.posterior.estimates import PosteriorEstimates
from bayeslmm.results.posterior.means import PosteriorMeans
from bayeslmm.results.posterior.onwards import PosteriorOnwards
from bayeslmm.results.posterior.predictions import PosteriorPredictions
from bayeslmm.results.posterior.priors import PosteriorPriors
from bayeslmm.results.posterior.telling import PosteriorWords
from bayeslmm.results.posterior.trust import PosteriorTrust

__all__ = ["FittableModel", "ModelWithPriors", "Posterior", "PriorTable"]


@dataclass(frozen=True, repr=False)
class Posterior(
    PosteriorEstimates,
    PosteriorTrust,
    PosteriorMeans,
    PosteriorPredictions,
    PosteriorPriors,
    PosteriorWords,
    PosteriorOnwards,
):
    """The posterior of a linear mixed model. Tables are pandas objects; `data` is for ArviZ.

    Attributes
    ----------
    data
        DataTree with groups `posterior` (`beta`, `sigma` and, for each grouping factor g, `sd_g`, `cor_g`, `b_g`),
        `sample_stats`, `observed_data`, `constant_data`.
    design
        The arrays: y, X, the random terms.
    priors
        The priors that were used; `priors.table` shows them.
    model
        The model it came from.
    """

    @classmethod
    def from_draws(
        cls,
        model: ModelWithPriors,
        idata: Any,
        seed: int | None = None,
        likelihood: Literal["gaussian", "other"] = "gaussian",
    ) -> "Posterior":
        """A posterior from draws that you made yourself, with exact draws of the fixed and the random effects added.

        For `model.pymc_model(marginal=True)`, extended or not, or any model with `model.marginal_logp(...)` in it.
        Given sds, correlations and sigma the effects are drawn from their conditional distribution, so that the whole
        is a draw of the joint posterior, also of one with terms of your own in those parameters.

        Parameters
        ----------
        model
            The `Model` whose data and priors these are.
        idata
            What `pm.sample` or nutpie returned, or a Dataset with dims chain and draw: `sigma`, and `sd_g` and `cor_g`
            for each grouping factor g; `beta_centred` where coefficients were sampled. With `beta` and all `b_g` in it
            nothing is drawn. Other variables and groups are kept.
        seed
            Of the effects.
        likelihood
            "other": of y given the effects, for example a Student t. Then `beta` and all `b_g` must be in the draws;
            `loo(conditional=True)` takes their group `log_likelihood`; `loo()`, `logo()` and `check()`, which rest on
            normal errors, refuse.

        Raises
        ------
        ArgumentError
            A variable is missing, has another shape, or numbers that cannot be.
        """
        from bayeslmm.results.posterior_from_draws import from_draws

        data = from_draws(model.design, model.priors, idata, seed, likelihood)
        return cls(data=data, design=model.design, priors=model.priors, model=model)

    @property
    def _posterior(self) -> "Posterior":
        return self
