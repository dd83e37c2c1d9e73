"""The fields of a posterior, and what every chapter of `Posterior` reads."""

from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd
import xarray as xr

from bayeslmm.design import Design
from bayeslmm.results import posterior_predict as predictions
from bayeslmm.results.posterior_diagnostics import Diagnostics, diagnose
from bayeslmm.results.posterior_draws import Draws
from bayeslmm.results.table_export import Tabular

if TYPE_CHECKING:
    from bayeslmm.bayes.priors import Priors
    from bayeslmm.results.posterior import Posterior


class FittableModel(Protocol):
    """What a posterior needs of the model that it came from: to fit, to sample again, and to go into a file."""

    @property
    def data_name(self) -> str:
        """What summaries call the data."""

    def fit(self, reml: bool = True) -> Any:
        """Fit the same model by REML or ML."""

    def with_priors(self, priors: Any) -> Any:
        """The same model with other priors."""


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

    @property
    def _obs(self) -> np.ndarray:
        return predictions.observations(self.data, self.design)
