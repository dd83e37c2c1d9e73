"""From a fit to another one, to the posterior, to a file."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bayeslmm.design import Design
from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.point.estimates import estimates
from bayeslmm.point.optimise import optimise
from bayeslmm.results.fit.base import FitBase
from bayeslmm.results.timings import Timings

if TYPE_CHECKING:
    from bayeslmm.bayes.files import PathLike
    from bayeslmm.results.fit import Fit


class FitOnwards(FitBase):
    """Where to go from here."""

    def refit(self, y: Any) -> "Fit":
        """Fit the same model to another response: nothing that depends on the predictors alone is made again.

        Parameters
        ----------
        y
            (nobs,): one number for each row that was used, such as a column of `simulate`.
        """
        method = self.optimum.optimizer.split()[0]
        return self.model.with_response(y).fit(self.reml, "lbfgs" if method == "none" else method)

    def refit_quietly(self, y: np.ndarray) -> "Fit":
        """Refit for simulations: y (nobs,) is taken as it is, nothing is warned of, `model` stays the first one.

        Raises
        ------
        numpy.linalg.LinAlgError, DataError
            The criterion cannot be computed.
        """
        design = replace(self.design, y=y)
        return self._refitted(design, self.likelihood.with_response(design, y - design.offset))

    def refit_design(self, design: Design) -> "Fit":
        """Refit other rows of the same model, as `refit_quietly`."""
        return self._refitted(design, MarginalLikelihood.of(design))

    def _refitted(self, design: Design, likelihood: MarginalLikelihood) -> "Fit":
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            optimum = optimise(likelihood, self.reml, "lbfgs")
            found = estimates(likelihood, optimum, self.reml)
        return replace(
            self._fit, design=design, likelihood=likelihood, optimum=optimum, estimates=found, clock=Timings()
        )

    def sample(self, **options: Any) -> Any:
        """Sample the posterior of the same model; options as for `Model.sample`. Returns a `Posterior`."""
        return self.model.sample(**options)

    def reanalyse(self, **options: Any) -> Any:
        """From a singular fit to an answer: what is singular, what else could be done, the posterior, what to report.

        Parameters
        ----------
        **options
            `focal` (the effects that matter; all but the intercept), `post` (the posterior, where there is one), `ddf`,
            `level`, `near`, `seed`, `sensitivity`, `sampling`: as for
            `bayeslmm.compare.triage.reanalysis.reanalyse`. Returns its `Reanalysis`.
        """
        return self.model.reanalyse(self._fit, **options)

    def save(self, path: "PathLike") -> None:
        """Save to a file that `blm.load` reads; the fit is made again there, and must have the same criterion.

        Parameters
        ----------
        path
            A name that ends in `.nc` (netCDF) or `.zarr` (Zarr, where installed).

        Raises
        ------
        ArgumentError
            The file cannot be written; nothing is lost.
        """
        from bayeslmm.results.saved_fit import save_fit

        save_fit(self._fit, path)
