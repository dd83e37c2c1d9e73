"""The vocabulary of priors: what people write, its log density and random numbers. No PyMC here.

Fields carry PyMC's names, in PyMC's order, so that `Normal(0, 1)` means here what it means there.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np
from scipy.special import betaln, gammaln

from bayeslmm.errors import ArgumentError

LOG_2PI = float(np.log(2 * np.pi))
Size = int | tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Prior(ABC):
    """Base class of all priors."""

    positive: ClassVar[bool] = False
    proper: ClassVar[bool] = True
    free: ClassVar[tuple[str, ...]] = ()  # fields that may be any number; all others must be positive

    def __post_init__(self) -> None:
        for f in fields(self):
            value = getattr(self, f.name)
            if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not np.isfinite(value):
                raise ArgumentError(f"{self._call()}: `{f.name}` must be one finite number")
            if value <= 0 and f.name not in self.free:
                raise ArgumentError(f"{self._call()}: `{f.name}` must be positive")
        for f in fields(self):
            object.__setattr__(self, f.name, float(getattr(self, f.name)))

    def logp(self, x: np.ndarray | float) -> np.ndarray:
        """Log density at x (...), normalised; -inf outside of the support."""
        x = np.asarray(x, dtype=float)
        if not self.positive:
            return self._logp(x)
        inside = x >= 0
        with np.errstate(divide="ignore"):
            return np.where(inside, self._logp(np.where(inside, x, 1.0)), -np.inf)

    def draw(self, rng: np.random.Generator, size: Size) -> np.ndarray:
        """Random numbers of this size; ArgumentError for priors of something else than a number, or of nothing."""
        raise ArgumentError(f"{self} has no random numbers of size {size!r}: it is not a distribution of numbers")

    @abstractmethod
    def _logp(self, x: np.ndarray) -> np.ndarray:
        """Log density inside of the support."""

    def _call(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{f.name}={getattr(self, f.name)!r}' for f in fields(self))})"

    def __str__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{getattr(self, f.name):.4g}' for f in fields(self))})"


@dataclass(frozen=True, slots=True)
class Normal(Prior):
    """Normal distribution with mean `mu` and sd `sigma`."""

    mu: float
    sigma: float
    free: ClassVar[tuple[str, ...]] = ("mu",)

    def _logp(self, x: np.ndarray) -> np.ndarray:
        return -0.5 * ((x - self.mu) / self.sigma) ** 2 - np.log(self.sigma) - 0.5 * LOG_2PI

    def draw(self, rng: np.random.Generator, size: Size) -> np.ndarray:
        """Random numbers of this size."""
        return rng.normal(self.mu, self.sigma, size=size)


@dataclass(frozen=True, slots=True)
class StudentT(Prior):
    """Student's t with `nu` degrees of freedom, centre `mu` and scale `sigma`."""

    nu: float
    mu: float
    sigma: float
    free: ClassVar[tuple[str, ...]] = ("mu",)

    def _logp(self, x: np.ndarray) -> np.ndarray:
        return _log_t((x - self.mu) / self.sigma, self.nu) - np.log(self.sigma)

    def draw(self, rng: np.random.Generator, size: Size) -> np.ndarray:
        """Random numbers of this size."""
        return self.mu + self.sigma * rng.standard_t(self.nu, size=size)


@dataclass(frozen=True, slots=True)
class HalfNormal(Prior):
    """The positive half of Normal(0, `sigma`)."""

    sigma: float
    positive: ClassVar[bool] = True

    def _logp(self, x: np.ndarray) -> np.ndarray:
        return np.log(2 / self.sigma) - 0.5 * (x / self.sigma) ** 2 - 0.5 * LOG_2PI

    def draw(self, rng: np.random.Generator, size: Size) -> np.ndarray:
        """Random numbers of this size."""
        return np.abs(rng.normal(0.0, self.sigma, size=size))


@dataclass(frozen=True, slots=True)
class HalfStudentT(Prior):
    """The positive half of StudentT(`nu`, 0, `sigma`)."""

    nu: float
    sigma: float
    positive: ClassVar[bool] = True

    def _logp(self, x: np.ndarray) -> np.ndarray:
        return np.log(2 / self.sigma) + _log_t(x / self.sigma, self.nu)

    def draw(self, rng: np.random.Generator, size: Size) -> np.ndarray:
        """Random numbers of this size."""
        return self.sigma * np.abs(rng.standard_t(self.nu, size=size))


@dataclass(frozen=True, slots=True)
class HalfCauchy(Prior):
    """The positive half of a Cauchy distribution with scale `beta`."""

    beta: float
    positive: ClassVar[bool] = True

    def _logp(self, x: np.ndarray) -> np.ndarray:
        return np.log(2 / (np.pi * self.beta)) - np.log1p((x / self.beta) ** 2)

    def draw(self, rng: np.random.Generator, size: Size) -> np.ndarray:
        """Random numbers of this size."""
        return self.beta * np.abs(rng.standard_cauchy(size=size))


@dataclass(frozen=True, slots=True)
class Exponential(Prior):
    """Exponential distribution with rate `lam`, mean 1 / `lam`."""

    lam: float
    positive: ClassVar[bool] = True

    def _logp(self, x: np.ndarray) -> np.ndarray:
        return np.log(self.lam) - self.lam * x

    def draw(self, rng: np.random.Generator, size: Size) -> np.ndarray:
        """Random numbers of this size."""
        return rng.exponential(1 / self.lam, size=size)


@dataclass(frozen=True, slots=True)
class Gamma(Prior):
    """Gamma distribution with shape `alpha` and rate `beta`, mean `alpha` / `beta`."""

    alpha: float
    beta: float
    positive: ClassVar[bool] = True

    def _logp(self, x: np.ndarray) -> np.ndarray:
        power = 0.0 if self.alpha == 1 else (self.alpha - 1) * np.log(x)
        return self.alpha * np.log(self.beta) - gammaln(self.alpha) + power - self.beta * x

    def draw(self, rng: np.random.Generator, size: Size) -> np.ndarray:
        """Random numbers of this size."""
        return rng.gamma(self.alpha, 1 / self.beta, size=size)


@dataclass(frozen=True, slots=True)
class Flat(Prior):
    """No preference at all: a constant density, which is not a distribution.

    For an sd it is constant over the positive numbers; for correlations it is LKJ(1).
    """

    proper: ClassVar[bool] = False

    def _logp(self, x: np.ndarray) -> np.ndarray:
        return np.zeros_like(x)

    def __str__(self) -> str:
        return "Flat"


@dataclass(frozen=True, slots=True)
class LKJ(Prior):
    """Correlation matrices R (k, k) with density proportional to |R|^(`eta` - 1).

    `eta` = 1 is uniform over all correlation matrices; a larger one prefers small correlations.

    References
    ----------
    Lewandowski, Kurowicka & Joe (2009), Journal of Multivariate Analysis 100: 1989-2001. Density and constant: eq. 16
    and 17; random numbers: section 2.4, by partial correlations of a C-vine.
    """

    eta: float

    def _logp(self, x: np.ndarray) -> np.ndarray:
        return (self.eta - 1) * np.linalg.slogdet(x)[1] - lkj_log_constant(x.shape[-1], self.eta)

    def draw_factor(self, rng: np.random.Generator, k: int, size: Size) -> np.ndarray:
        """Random Cholesky factors L (*size, k, k): L L' is a correlation matrix with this distribution."""
        shape = (size,) if isinstance(size, int) else tuple(size)
        L = np.zeros((*shape, k, k))
        rest = np.ones((*shape, k))  # squared length of each row that is left
        for j in range(k):
            a = self.eta + (k - 2 - j) / 2
            partial = 2 * rng.beta(a, a, size=(*shape, k - 1 - j)) - 1 if j < k - 1 else np.zeros((*shape, 0))
            L[..., j, j] = np.sqrt(rest[..., j])
            L[..., j + 1 :, j] = partial * np.sqrt(rest[..., j + 1 :])
            rest[..., j + 1 :] *= 1 - partial**2
        return L


def lkj_log_constant(k: int, eta: float) -> float:
    """Log of the integral of |R|^(eta - 1) over the correlation matrices R (k, k)."""
    j = np.arange(1, k)
    a = eta + (k - j - 1) / 2
    return float(((k - j) * ((2 * a - 1) * np.log(2) + betaln(a, a))).sum())


def _log_t(z: np.ndarray, nu: float) -> np.ndarray:
    """Log density of the standard t."""
    constant = gammaln((nu + 1) / 2) - gammaln(nu / 2) - 0.5 * np.log(nu * np.pi)
    return constant - (nu + 1) / 2 * np.log1p(z**2 / nu)
