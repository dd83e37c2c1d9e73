"""`Fit`: a REML or ML fit, and everything that is read off it, a file a chapter.

Methods orchestrate: they check what was asked for and call the function of that name in `bayeslmm.results` or
`bayeslmm.point`, which has the numbers.
"""

from dataclasses import dataclass

from bayeslmm.point.ddf import Ddf, check_ddf
from bayeslmm.results.fit.base import SampledModel
from bayeslmm.results.fit.criterion import FitCriterion
from bayeslmm.results.fit.estimates import FitEstimates
from bayeslmm.results.fit.intervals import FitIntervals
from bayeslmm.results.fit.looking import FitLooks
from bayeslmm.results.fit.means import FitMeans
from bayeslmm.results.fit.onwards import FitOnwards
from bayeslmm.results.fit.predictions import FitPredictions
from bayeslmm.results.fit.telling import FitWords
from bayeslmm.results.fit.tests import FitTests
from bayeslmm.results.fit.variance import FitVariance

__all__ = ["Ddf", "Fit", "SampledModel", "check_ddf"]


@dataclass(frozen=True, repr=False)
class Fit(
    FitEstimates,
    FitCriterion,
    FitTests,
    FitIntervals,
    FitVariance,
    FitMeans,
    FitPredictions,
    FitLooks,
    FitWords,
    FitOnwards,
):
    """A fitted linear mixed model. Names follow lme4; tables are pandas objects.

    Attributes
    ----------
    model
        The model it came from.
    design
        The arrays: y, X, the random terms.
    likelihood
        The exact marginal likelihood.
    optimum
        Where the optimiser stopped, with its certificate.
    estimates
        beta, sigma, conditional modes and their factor at the optimum.
    reml
        REML (True) or ML.
    data_name
        What the summary calls the data; without a name it tells the number of rows.
    clock
        Where the time went; see `timings`.
    """

    @property
    def _fit(self) -> "Fit":
        return self
