"""Evaluates one likelihood: in plain NumPy, or by the compiled loops (see `policy`)."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from bayeslmm.likelihood.crossprod import CrossProducts
from bayeslmm.likelihood.evaluation import Evaluation, Parts
from bayeslmm.likelihood.plain import plain_evaluation, plain_modes, plain_value
from bayeslmm.likelihood.policy import pays
from bayeslmm.likelihood.symbolic import Structure

if TYPE_CHECKING:
    from bayeslmm.likelihood.compiled.engine import Engine


@dataclass(frozen=True, slots=True)
class Runner:
    """Evaluates one likelihood.

    Attributes
    ----------
    structure, A
        Pattern and cross-products.
    engines
        The compiled engine, once there is one.
    """

    structure: Structure
    A: CrossProducts
    engines: list["Engine"] = field(default_factory=list, repr=False)

    def like(self, A: CrossProducts) -> "Runner":
        """A runner for cross-products with another y, in the workspaces of this one."""
        engine = self._engine(0.0)
        return Runner(self.structure, A, [] if engine is None else [engine.like(A)])

    def anew(self, A: CrossProducts) -> "Runner":
        """A runner for any other cross-products of the same pattern, in the workspaces of this one."""
        engine = self._engine(0.0)
        return Runner(self.structure, A, [] if engine is None else [engine.anew(A)])

    def value(self, flat: np.ndarray) -> Parts:
        """Parts of the criterion at the Lambdas in `flat` (sum of k^2,)."""
        engine = self._engine(0.4)
        return plain_value(self.A, self.structure, flat) if engine is None else engine.value(flat)

    def evaluation(self, flat: np.ndarray, nu: int, reml: bool, sigma: float | None) -> Evaluation:
        """Value, gradient and solutions at the Lambdas in `flat`."""
        engine = self._engine(1.0)
        if engine is None:
            return plain_evaluation(self.A, self.structure, flat, nu, reml, sigma)
        return engine.evaluation(flat, nu, reml, sigma)

    def modes(self, flat: np.ndarray) -> tuple[Parts, tuple[np.ndarray, ...]]:
        """Parts and u at the Lambdas in `flat`."""
        engine = self._engine(0.4)
        return plain_modes(self.A, self.structure, flat) if engine is None else engine.modes(flat)

    @property
    def small_engine(self) -> "Engine | None":
        """The compiled engine, where it is in use and the problem is small enough for a search in one call."""
        engine = self._engine(0.0)
        return engine if engine is not None and engine.is_quick else None

    def _engine(self, share: float) -> "Engine | None":
        if self.engines:
            return self.engines[0]
        if not pays(share * plain_seconds(self.structure, self.A.p)):
            return None
        from bayeslmm.likelihood.compiled.engine import Engine

        self.engines.append(Engine.of(self.structure, self.A))
        return self.engines[0]


def plain_seconds(structure: Structure, p: int) -> float:
    """Roughly how long one plain evaluation with its gradient takes."""
    k, J = structure.k, structure.J
    calls = len(k) + len(structure.parent) + len(structure.pairs)
    levels = sum(kk * (kk + p) * kk * j for kk, j in zip(k, J, strict=True))
    pairs = sum(k[t] * k[s] * max(k[t], k[s]) * found.keys.size for (t, s), found in structure.pairs.items())
    tail = structure.q_tail + p
    return 2.5e-4 * calls + 2e-8 * levels + 1e-6 * pairs + 3e-11 * tail**3
