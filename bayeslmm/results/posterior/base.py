"""The fields of a posterior, and what every chapter of `Posterior` reads."""

from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd
import xarray as xr

from bayeslmm.design import Design
from bayeslmm.errors import ArgumentError
from bayeslmm.results import posterior_predict as predictions
from bayeslmm.results.posterior_diagnostics import Diagnostics, diagnose
from bayeslmm.results.posterior_draws import Draws
from bayeslmm.results.table_export import Tabular

if TYPE_CHECKING:
    from bayeslmm.bayes.priors import Priors
    from bayeslmm.results.posterior import Posterior


NORMAL = "normal"


class FittableModel(Protocol):
    """What a posterior needs of the model that it came from: to fit, to sample again, and to go into a file."""

    @property
    def data_name(self) -> str:
        """What summaries call the data."""

    def fit(self, reml: bool = True) -> Any:
        """Fit the same model by REML or ML."""

    def with_priors(self, priors: Any) -> Any:
        """The same model with other priors."""

    def of_rows(self, rows: np.ndarray) -> Any:
        """The same model and priors of some rows."""


class ModelWithPriors(FittableModel, Protocol):
    """What draws made by somebody else need of their model."""

    @property
    def design(self) -> Design:
        """The arrays."""

    @property
    def priors(self) -> "Priors":
        """The priors."""


class PriorTable(Protocol):
    """What a posterior needs of its priors."""

    @property
    def table(self) -> pd.DataFrame:
        """Columns parameter, prior, why."""


@dataclass(frozen=True, repr=False)
class PosteriorBase(Tabular):
    """The fields of `Posterior`, which documents them. Each chapter adds the methods of one theme."""

    data: xr.DataTree
    design: Design
    priors: PriorTable
    model: FittableModel

    @property
    @abstractmethod
    def _posterior(self) -> "Posterior":
        """The whole posterior, for functions that need more than a chapter."""

    @cached_property
    def draws(self) -> Draws:
        """The draws as arrays, chains joined."""
        return Draws.of(self.data, self.design)

    @cached_property
    def _diagnostics(self) -> Diagnostics:
        return diagnose(self.draws, self.data)

    def _needs_normal(self, verb: str) -> None:
        """Raise ArgumentError where the response is not normal, as a verb about measurements takes it to be."""
        if self.data.attrs.get("likelihood", NORMAL) != NORMAL:
            raise ArgumentError(
                f"{verb}: it takes the response for normal with sd `sigma`; these draws, which have `mu`, are those of "
                "a model with a likelihood of your own, pymc_model(likelihood=False): use pm.compute_log_likelihood, "
                "pm.sample_posterior_predictive and az.loo for that model"
            )

    @property
    def _obs(self) -> np.ndarray:
        return predictions.observations(self.data, self.design)
