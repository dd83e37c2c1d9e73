"""Priors of sds: positive numbers."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import gammaln

from bayeslmm.bayes.codes import LOG_NORMAL, NORMAL, POWER, T
from bayeslmm.bayes.prior import LOG_2PI, POSITIVE, Prior, Size, Support, log_t
from bayeslmm.bayes.real_priors import log_t_constant

TINY = float(np.finfo(float).tiny)


@dataclass(frozen=True, slots=True)
class PositivePrior(Prior):
    """Base class of the priors on the positive numbers."""

    @property
    def support(self) -> Support:
        """From 0 to infinity."""
        return POSITIVE


@dataclass(frozen=True, slots=True)
class HalfNormal(PositivePrior):
    """The positive half of Normal(0, `sigma`)."""

    sigma: float
    code: ClassVar[int] = NORMAL

    @property
    def sd(self) -> float:
        """Standard deviation."""
        return self.sigma * float(np.sqrt(1 - 2 / np.pi))

    def constant(self) -> float:
        """Log of the normalising constant."""
        return float(np.log(2 / self.sigma)) - 0.5 * LOG_2PI

    def numbers(self) -> tuple[float, float, float]:
        """Return 0, sigma."""
        return 0.0, self.sigma, 0.0

    def _logp(self, x: np.ndarray) -> np.ndarray:
        return self.constant() - 0.5 * (x / self.sigma) ** 2

    def draw(self, rng: np.random.Generator, size: Size) -> np.ndarray:
        """Random numbers of this size."""
        return np.abs(rng.normal(0.0, self.sigma, size=size))


@dataclass(frozen=True, slots=True)
class HalfStudentT(PositivePrior):
    """The positive half of StudentT(`nu`, 0, `sigma`)."""

    nu: float
    sigma: float
    code: ClassVar[int] = T

    @property
    def sd(self) -> float:
        """Standard deviation: from nu > 2 on; NaN for nu <= 1."""
        nu = self.nu
        if nu <= 2:
            return np.nan if nu <= 1 else np.inf
        mean = 2 * nu / (nu - 1) * np.exp(log_t_constant(nu))
        return self.sigma * float(np.sqrt(nu / (nu - 2) - mean**2))

    def constant(self) -> float:
        """Log of the normalising constant."""
        return log_t_constant(self.nu) + float(np.log(2 / self.sigma))

    def numbers(self) -> tuple[float, float, float]:
        """Return 0, sigma, nu."""
        return 0.0, self.sigma, self.nu

    def _logp(self, x: np.ndarray) -> np.ndarray:
        return self.constant() + log_t(x / self.sigma, self.nu)

    def draw(self, rng: np.random.Generator, size: Size) -> np.ndarray:
        """Random numbers of this size."""
        return self.sigma * np.abs(rng.standard_t(self.nu, size=size))


@dataclass(frozen=True, slots=True)
class HalfCauchy(PositivePrior):
    """The positive half of a Cauchy distribution with scale `beta`."""

    beta: float
    code: ClassVar[int] = T

    def constant(self) -> float:
        """Log of the normalising constant."""
        return float(np.log(2 / (np.pi * self.beta)))

    def numbers(self) -> tuple[float, float, float]:
        """Centre 0, scale, and one degree of freedom."""
        return 0.0, self.beta, 1.0

    def _logp(self, x: np.ndarray) -> np.ndarray:
        return self.constant() + log_t(x / self.beta, 1.0)

    def draw(self, rng: np.random.Generator, size: Size) -> np.ndarray:
        """Random numbers of this size."""
        return self.beta * np.abs(rng.standard_cauchy(size=size))


@dataclass(frozen=True, slots=True)
class Exponential(PositivePrior):
    """Exponential distribution with rate `lam`, mean 1 / `lam`."""

    lam: float
    code: ClassVar[int] = POWER

    @property
    def sd(self) -> float:
        """Standard deviation."""
        return 1 / self.lam

    def constant(self) -> float:
        """Log of the normalising constant."""
        return float(np.log(self.lam))

    def numbers(self) -> tuple[float, float, float]:
        """Return 0, 1 / lam, 1."""
        return 0.0, 1 / self.lam, 1.0

    def _logp(self, x: np.ndarray) -> np.ndarray:
        return self.constant() - self.lam * x

    def draw(self, rng: np.random.Generator, size: Size) -> np.ndarray:
        """Random numbers of this size."""
        return rng.exponential(1 / self.lam, size=size)


@dataclass(frozen=True, slots=True)
class Gamma(PositivePrior):
    """Gamma distribution with shape `alpha` and rate `beta`, mean `alpha` / `beta`."""

    alpha: float
    beta: float
    code: ClassVar[int] = POWER

    @property
    def sd(self) -> float:
        """Standard deviation."""
        return float(np.sqrt(self.alpha)) / self.beta

    def constant(self) -> float:
        """Log of the normalising constant."""
        return float(self.alpha * np.log(self.beta) - gammaln(self.alpha))

    def numbers(self) -> tuple[float, float, float]:
        """Return alpha - 1, 1 / beta, 1."""
        return self.alpha - 1, 1 / self.beta, 1.0

    def _logp(self, x: np.ndarray) -> np.ndarray:
        return self.constant() + _log_power(x, self.alpha - 1) - self.beta * x

    def draw(self, rng: np.random.Generator, size: Size) -> np.ndarray:
        """Random numbers of this size."""
        return rng.gamma(self.alpha, 1 / self.beta, size=size)


@dataclass(frozen=True, slots=True)
class InverseGamma(PositivePrior):
    """Inverse gamma distribution with shape `alpha` and scale `beta`: 1 / x is Gamma(`alpha`, `beta`)."""

    alpha: float
    beta: float
    code: ClassVar[int] = POWER

    @property
    def sd(self) -> float:
        """Standard deviation: from alpha > 2 on; NaN for alpha <= 1."""
        if self.alpha <= 2:
            return np.nan if self.alpha <= 1 else np.inf
        return self.beta / (self.alpha - 1) / float(np.sqrt(self.alpha - 2))

    def constant(self) -> float:
        """Log of the normalising constant."""
        return float(self.alpha * np.log(self.beta) - gammaln(self.alpha))

    def numbers(self) -> tuple[float, float, float]:
        """Return -alpha - 1, beta, -1."""
        return -self.alpha - 1, self.beta, -1.0

    def _logp(self, x: np.ndarray) -> np.ndarray:
        y = np.maximum(x, TINY)
        return np.where(x > 0, self.constant() - (self.alpha + 1) * np.log(y) - self.beta / y, -np.inf)

    def draw(self, rng: np.random.Generator, size: Size) -> np.ndarray:
        """Random numbers of this size."""
        return 1 / rng.gamma(self.alpha, 1 / self.beta, size=size)


@dataclass(frozen=True, slots=True)
class Weibull(PositivePrior):
    """Weibull distribution with shape `alpha` and scale `beta`."""

    alpha: float
    beta: float
    code: ClassVar[int] = POWER

    @property
    def sd(self) -> float:
        """Standard deviation."""
        log_mean, log_square = gammaln(1 + 1 / self.alpha), gammaln(1 + 2 / self.alpha)
        return self.beta * float(np.exp(log_square / 2) * np.sqrt(-np.expm1(2 * log_mean - log_square)))

    def constant(self) -> float:
        """Log of the normalising constant."""
        return float(np.log(self.alpha) - self.alpha * np.log(self.beta))

    def numbers(self) -> tuple[float, float, float]:
        """Return alpha - 1, beta, alpha."""
        return self.alpha - 1, self.beta, self.alpha

    def _logp(self, x: np.ndarray) -> np.ndarray:
        return self.constant() + _log_power(x, self.alpha - 1) - (x / self.beta) ** self.alpha

    def draw(self, rng: np.random.Generator, size: Size) -> np.ndarray:
        """Random numbers of this size."""
        return self.beta * rng.weibull(self.alpha, size=size)


@dataclass(frozen=True, slots=True)
class LogNormal(PositivePrior):
    """Log-normal distribution: log x is Normal(`mu`, `sigma`)."""

    mu: float
    sigma: float
    code: ClassVar[int] = LOG_NORMAL
    free: ClassVar[tuple[str, ...]] = ("mu",)

    @property
    def sd(self) -> float:
        """Standard deviation."""
        return float(np.exp(self.mu + self.sigma**2 / 2) * np.sqrt(np.expm1(self.sigma**2)))

    def constant(self) -> float:
        """Log of the normalising constant."""
        return -float(np.log(self.sigma)) - 0.5 * LOG_2PI

    def numbers(self) -> tuple[float, float, float]:
        """Return mu, sigma."""
        return self.mu, self.sigma, 0.0

    def _logp(self, x: np.ndarray) -> np.ndarray:
        log_x = np.log(np.maximum(x, TINY))
        return np.where(x > 0, self.constant() - log_x - 0.5 * ((log_x - self.mu) / self.sigma) ** 2, -np.inf)

    def draw(self, rng: np.random.Generator, size: Size) -> np.ndarray:
        """Random numbers of this size."""
        return rng.lognormal(self.mu, self.sigma, size=size)


def _log_power(x: np.ndarray, power: float) -> np.ndarray | float:
    """Log of x^power, 0 for the power 0 also at x = 0."""
    return power * np.log(x) if power else 0.0
