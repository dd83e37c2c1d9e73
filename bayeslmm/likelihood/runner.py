"""Plain or compiled: which of the two equal paths evaluates the likelihood.

Loading compiled code takes most of a second, compiling it for the first time several; a small fit takes milliseconds
in plain NumPy. So the first evaluations are plain, and the compiled loops come in when the work already done in NumPy
would have paid for them (the ski-rental rule: never more than twice the best that hindsight could have done). Work is
counted from sizes, not by a clock, so that the same calls always take the same path. Both give the same numbers to
about 1e-15.
"""

import importlib
import os
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bayeslmm.errors import ArgumentError
from bayeslmm.likelihood.crossprod import CrossProducts
from bayeslmm.likelihood.evaluation import Evaluation, Parts
from bayeslmm.likelihood.plain import plain_evaluation, plain_value
from bayeslmm.likelihood.symbolic import Structure

if TYPE_CHECKING:
    from bayeslmm.likelihood.compiled.engine import Engine

LOADING, COMPILING = 0.004, 4.0  # seconds of plain work that loading and compiling are worth
_VARIABLE = "BAYESLMM_ENGINE"
_ENGINE = "bayeslmm.likelihood.compiled.engine"


@dataclass
class _Spent:
    """Estimated seconds of plain work in this process."""

    seconds: float = 0.0


_spent = _Spent()


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

    def _engine(self, share: float) -> "Engine | None":
        if self.engines:
            return self.engines[0]
        if not pays(share * plain_seconds(self.structure, self.A.p)):
            return None
        module = importlib.import_module(_ENGINE)
        self.engines.append(module.Engine.of(self.structure, self.A))
        return self.engines[0]


def pays(seconds: float) -> bool:
    """Count plain work that would be done now, and say whether the compiled loops should do it instead."""
    choice = os.environ.get(_VARIABLE, "auto")
    if choice not in ("auto", "plain", "compiled"):
        raise ArgumentError(f"the environment variable {_VARIABLE} is {choice!r}; it is auto, plain or compiled")
    if choice != "auto":
        return choice == "compiled"
    _spent.seconds += seconds
    if _ENGINE in sys.modules:
        return True
    return _spent.seconds > (LOADING if on_disk() else COMPILING)


def plain_seconds(structure: Structure, p: int) -> float:
    """Roughly how long one plain evaluation with its gradient takes."""
    k, J = structure.k, structure.J
    calls = len(k) + len(structure.parent) + len(structure.pairs)
    levels = sum(kk * (kk + p) * kk * j for kk, j in zip(k, J, strict=True))
    pairs = sum(k[t] * k[s] * max(k[t], k[s]) * found.keys.size for (t, s), found in structure.pairs.items())
    tail = structure.q_tail + p
    return 2.5e-4 * calls + 2e-8 * levels + 1e-6 * pairs + 3e-11 * tail**3


@cache
def on_disk() -> bool:
    """Whether this version's compiled loops were kept from an earlier process (a guess that costs only time)."""
    home = Path(__file__).parent / "compiled"
    given = os.environ.get("NUMBA_CACHE_DIR")
    folders = [home / "__pycache__"] if given is None else list(Path(given).glob("compiled_*"))
    pattern = f"derivative.gradient-*.py{sys.version_info.major}{sys.version_info.minor}*.nbi"
    newest = max(source.stat().st_mtime for source in home.glob("*.py"))
    return any(found.stat().st_mtime > newest for folder in folders for found in folder.glob(pattern))
