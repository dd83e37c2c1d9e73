"""What every prior is: a value with parameters, a log density, random numbers, a support and an sd. No PyMC here.

Fields carry PyMC's names, in PyMC's order, so that `Normal(0, 1)` means here what it means there.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np

from bayeslmm.errors import ArgumentError

LOG_2PI = float(np.log(2 * np.pi))
REAL, POSITIVE = (-np.inf, np.inf), (0.0, np.inf)
Size = int | tuple[int, ...]
Support = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Prior(ABC):
    """Base class of all priors.

    The log density is `constant` plus a kernel of `numbers`, which `code` names: see `densities`.
    """

    code: ClassVar[int]
    proper: ClassVar[bool] = True
    free: ClassVar[tuple[str, ...]] = ()  # fields that may be any number; all others must be positive
    optional: ClassVar[tuple[str, ...]] = ()  # fields that may be None

    def __post_init__(self) -> None:
        for f in fields(self):
            self._check(f.name)
        for f in fields(self):
            value = getattr(self, f.name)
            object.__setattr__(self, f.name, None if value is None else float(value))

    def _check(self, name: str) -> None:
        value = getattr(self, name)
        if value is None and name in self.optional:
            return
        if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not np.isfinite(value):
            raise ArgumentError(f"{self._call()}: `{name}` must be one finite number")
        if value <= 0 and name not in self.free:
            raise ArgumentError(f"{self._call()}: `{name}` must be positive")

    @property
    def support(self) -> Support:
        """Lower and upper bound of what it allows."""
        return REAL

    @property
    def positive(self) -> bool:
        """Whether it allows no negative value."""
        return self.support[0] >= 0

    @property
    def sd(self) -> float:
        """Standard deviation; inf where the integral diverges, NaN where there is not even a mean to measure from."""
        return np.nan

    def logp(self, x: np.ndarray | float) -> np.ndarray:
        """Log density at x (...), normalised; -inf outside of the support."""
        x = np.asarray(x, dtype=float)
        lower, upper = self.support
        if (lower, upper) == REAL:
            return self._logp(x)
        inside = (x >= lower) & (x <= upper)
        some = lower + 1 if np.isfinite(lower) else upper - 1
        with np.errstate(divide="ignore", over="ignore"):
            return np.where(inside, self._logp(np.where(inside, x, some)), -np.inf)

    def draw(self, rng: np.random.Generator, size: Size) -> np.ndarray:
        """Random numbers of this size; ArgumentError for priors of something else than a number, or of nothing."""
        raise ArgumentError(f"{self} has no random numbers of size {size!r}: it is not a distribution of numbers")

    def constant(self) -> float:
        """Log of the normalising constant."""
        return 0.0

    def numbers(self) -> tuple[float, float, float]:
        """Return the three parameters of its kernel."""
        return 0.0, 0.0, 0.0

    @abstractmethod
    def _logp(self, x: np.ndarray) -> np.ndarray:
        """Log density inside of the support."""

    def _call(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{f.name}={getattr(self, f.name)!r}' for f in fields(self))})"

    def __str__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{getattr(self, f.name):.4g}' for f in fields(self))})"


def log_t(z: np.ndarray, nu: float) -> np.ndarray:
    """Kernel of the log density of the standard t."""
    return -(nu + 1) / 2 * np.log1p(z**2 / nu)
