"""The fields of a linear fit, and what every chapter of `LinearFit` reads."""

from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from bayeslmm.design import Design
from bayeslmm.design.clusters import Clusters
from bayeslmm.point.clustered import Clustered
from bayeslmm.point.inference import Inference, residual
from bayeslmm.point.least_squares import LeastSquares
from bayeslmm.results.robust import Robust, robust
from bayeslmm.results.table_export import Tabular

if TYPE_CHECKING:
    from bayeslmm.results.linear_fit import LinearFit


@dataclass(frozen=True, repr=False)
class LinearBase(Tabular):
    """The fields of `LinearFit`, which documents them. Each chapter adds the methods of one theme."""

    design: Design
    estimates: LeastSquares
    data_name: str = ""
    clusters: Clusters | None = None

    @property
    @abstractmethod
    def _fit(self) -> "LinearFit":
        """The whole fit, for functions that need more than a chapter."""

    @cached_property
    def _inference(self) -> Inference:
        """Tests with n - p degrees of freedom; with clusters, robust to them."""
        if self.clusters is None:
            return residual(self.estimates.vcov, self.design.n)
        return Clustered.of(self.design, self.estimates, self.clusters)

    @cached_property
    def _by_cluster(self) -> Robust:
        return robust(self.design, self.estimates, None, self.clusters, adjust=True, df="auto", level=0.95)
