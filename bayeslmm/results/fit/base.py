"""The fields of a fit, and what every chapter of `Fit` reads."""

from abc import abstractmethod
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from bayeslmm.design import Design
from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.point.ddf import Ddf, check_ddf, inference
from bayeslmm.point.estimates import Estimates
from bayeslmm.point.inference import Inference
from bayeslmm.point.optimum import Optimum
from bayeslmm.results.table_export import Tabular
from bayeslmm.results.timings import Timings

if TYPE_CHECKING:
    from bayeslmm.results.fit import Fit


class SampledModel(Protocol):
    """What a fit needs of the model that it came from, to go on to the posterior."""

    def sample(self, **options: Any) -> Any:
        """Sample the posterior of the same model."""

    @property
    def priors(self) -> Any:
        """The priors of every parameter."""

    def with_response(self, y: Any) -> Any:
        """The same model of another response."""

    def fit(self, reml: bool, optimizer: Any) -> Any:
        """Fit it."""

    def reanalyse(self, fit: Any, **options: Any) -> Any:
        """Find out what a fit can tell."""


@dataclass(frozen=True, repr=False)
class FitBase(Tabular):
    """The fields of `Fit`, which documents them. Each chapter adds the methods of one theme."""

    model: SampledModel
    design: Design
    likelihood: MarginalLikelihood
    optimum: Optimum
    estimates: Estimates
    reml: bool
    data_name: str = ""
    clock: Timings = field(default_factory=Timings, compare=False)

    @property
    @abstractmethod
    def _fit(self) -> "Fit":
        """The whole fit, for functions that need more than a chapter."""

    @property
    def _names(self) -> list[str]:
        return list(self.design.coef_names)

    @cached_property
    def _inferences(self) -> dict[str, Inference]:
        return {}

    def _inference(self, ddf: Ddf) -> Inference:
        """Tests by one method, made once."""
        check_ddf(ddf)
        if ddf not in self._inferences:
            with self.clock.of("inference"):
                self._inferences[ddf] = inference(
                    ddf, self.design, self.likelihood, self.optimum, self.estimates.vcov, self.reml
                )
        return self._inferences[ddf]
