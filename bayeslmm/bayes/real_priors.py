"""Priors of coefficients: the whole line, or a part of it."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import gammaln, log_ndtr, ndtri_exp

from bayeslmm.bayes.codes import CONSTANT, LAPLACE, LOGISTIC, NORMAL, T
from bayeslmm.bayes.prior import LOG_2PI, Prior, Size, Support, log_t
from bayeslmm.errors import ArgumentError


@dataclass(frozen=True, slots=True)
class Normal(Prior):
    """Normal distribution with mean `mu` and sd `sigma`.

    Examples
    --------
    >>> import bayeslmm as blm
    >>> data = blm.datasets.load("sleepstudy")
    >>> model = blm.Model("Reaction ~ Days + (Days | Subject)", data, priors={"Days": blm.Normal(0, 20)})
    >>> model.priors.beta[1].prior
    Normal(mu=0.0, sigma=20.0)
    """

    mu: float
    sigma: float
    code: ClassVar[int] = NORMAL
    free: ClassVar[tuple[str, ...]] = ("mu",)

    @property
    def sd(self) -> float:
        """Standard deviation."""
        return self.sigma

    def constant(self) -> float:
        """Log of the normalising constant."""
        return -float(np.log(self.sigma)) - 0.5 * LOG_2PI

    def numbers(self) -> tuple[float, float, float]:
        """Return mu, sigma."""
        return self.mu, self.sigma, 0.0

    def _logp(self, x: np.ndarray) -> np.ndarray:
        return self.constant() - 0.5 * ((x - self.mu) / self.sigma) ** 2

    def draw(self, rng: np.random.Generator, size: Size) -> np.ndarray:
        """Random numbers of this size."""
        return rng.normal(self.mu, self.sigma, size=size)


@dataclass(frozen=True, slots=True)
class StudentT(Prior):
    """Student's t with `nu` degrees of freedom, centre `mu` and scale `sigma`."""

    nu: float
    mu: float
    sigma: float
    code: ClassVar[int] = T
    free: ClassVar[tuple[str, ...]] = ("mu",)

    @property
    def sd(self) -> float:
        """Standard deviation: from nu > 2 on; NaN for nu <= 1."""
        if self.nu <= 1:
            return np.nan
        return self.sigma * float(np.sqrt(self.nu / (self.nu - 2))) if self.nu > 2 else np.inf

    def constant(self) -> float:
        """Log of the normalising constant."""
        return log_t_constant(self.nu) - float(np.log(self.sigma))

    def numbers(self) -> tuple[float, float, float]:
        """Return mu, sigma, nu."""
        return self.mu, self.sigma, self.nu

    def _logp(self, x: np.ndarray) -> np.ndarray:
        return self.constant() + log_t((x - self.mu) / self.sigma, self.nu)

    def draw(self, rng: np.random.Generator, size: Size) -> np.ndarray:
        """Random numbers of this size."""
        return self.mu + self.sigma * rng.standard_t(self.nu, size=size)


@dataclass(frozen=True, slots=True)
class Cauchy(Prior):
    """Cauchy distribution with centre `alpha` and scale `beta`."""

    alpha: float
    beta: float
    code: ClassVar[int] = T
    free: ClassVar[tuple[str, ...]] = ("alpha",)

    def constant(self) -> float:
        """Log of the normalising constant."""
        return -float(np.log(np.pi * self.beta))

    def numbers(self) -> tuple[float, float, float]:
        """Centre, scale, and one degree of freedom."""
        return self.alpha, self.beta, 1.0

    def _logp(self, x: np.ndarray) -> np.ndarray:
        return self.constant() + log_t((x - self.alpha) / self.beta, 1.0)

    def draw(self, rng: np.random.Generator, size: Size) -> np.ndarray:
        """Random numbers of this size."""
        return self.alpha + self.beta * rng.standard_cauchy(size=size)


@dataclass(frozen=True, slots=True)
class Laplace(Prior):
    """Laplace (double exponential) distribution with centre `mu` and scale `b`: the prior of the lasso."""

    mu: float
    b: float
    code: ClassVar[int] = LAPLACE
    free: ClassVar[tuple[str, ...]] = ("mu",)

    @property
    def sd(self) -> float:
        """Standard deviation."""
        return self.b * float(np.sqrt(2))

    def constant(self) -> float:
        """Log of the normalising constant."""
        return -float(np.log(2 * self.b))

    def numbers(self) -> tuple[float, float, float]:
        """Return mu, b."""
        return self.mu, self.b, 0.0

    def _logp(self, x: np.ndarray) -> np.ndarray:
        return self.constant() - np.abs(x - self.mu) / self.b

    def draw(self, rng: np.random.Generator, size: Size) -> np.ndarray:
        """Random numbers of this size."""
        return rng.laplace(self.mu, self.b, size=size)


@dataclass(frozen=True, slots=True)
class Logistic(Prior):
    """Logistic distribution with centre `mu` and scale `s`."""

    mu: float
    s: float
    code: ClassVar[int] = LOGISTIC
    free: ClassVar[tuple[str, ...]] = ("mu",)

    @property
    def sd(self) -> float:
        """Standard deviation."""
        return self.s * float(np.pi / np.sqrt(3))

    def constant(self) -> float:
        """Log of the normalising constant."""
        return -float(np.log(self.s))

    def numbers(self) -> tuple[float, float, float]:
        """Return mu, s."""
        return self.mu, self.s, 0.0

    def _logp(self, x: np.ndarray) -> np.ndarray:
        z = np.abs(x - self.mu) / self.s
        return self.constant() - z - 2 * np.log1p(np.exp(-z))

    def draw(self, rng: np.random.Generator, size: Size) -> np.ndarray:
        """Random numbers of this size."""
        return rng.logistic(self.mu, self.s, size=size)


@dataclass(frozen=True, slots=True)
class Uniform(Prior):
    """Uniform distribution from `lower` to `upper`."""

    lower: float
    upper: float
    code: ClassVar[int] = CONSTANT
    free: ClassVar[tuple[str, ...]] = ("lower", "upper")

    def __post_init__(self) -> None:
        Prior.__post_init__(self)
        check_order(self)

    @property
    def support(self) -> Support:
        """Its bounds."""
        return self.lower, self.upper

    @property
    def sd(self) -> float:
        """Standard deviation."""
        return (self.upper - self.lower) / float(np.sqrt(12))

    def constant(self) -> float:
        """Log of the normalising constant."""
        return -float(np.log(self.upper - self.lower))

    def _logp(self, x: np.ndarray) -> np.ndarray:
        return np.full_like(x, self.constant())

    def draw(self, rng: np.random.Generator, size: Size) -> np.ndarray:
        """Random numbers of this size."""
        return rng.uniform(self.lower, self.upper, size=size)


@dataclass(frozen=True, slots=True)
class TruncatedNormal(Prior):
    """Normal(`mu`, `sigma`) between `lower` and `upper`; None is no bound."""

    mu: float
    sigma: float
    lower: float | None = None
    upper: float | None = None
    code: ClassVar[int] = NORMAL
    free: ClassVar[tuple[str, ...]] = ("mu", "lower", "upper")
    optional: ClassVar[tuple[str, ...]] = ("lower", "upper")

    def __post_init__(self) -> None:
        Prior.__post_init__(self)
        check_order(self)
        if not np.isfinite(self.constant()):
            raise ArgumentError(f"{self._call()}: Normal({self.mu:g}, {self.sigma:g}) has nothing between these bounds")

    @property
    def support(self) -> Support:
        """Its bounds."""
        return (-np.inf if self.lower is None else self.lower), (np.inf if self.upper is None else self.upper)

    @property
    def sd(self) -> float:
        """Standard deviation (Johnson, Kotz & Balakrishnan 1994, eq. 13.134)."""
        a, b = self._standard()
        log_mass = self._log_mass()
        at = [np.exp(-0.5 * z**2 - 0.5 * LOG_2PI - log_mass) if np.isfinite(z) else 0.0 for z in (a, b)]
        first = at[0] - at[1]
        second = sum(z * d for z, d in ((a, at[0]), (b, -at[1])) if np.isfinite(z))
        return self.sigma * float(np.sqrt(max(1 + second - first**2, 0.0)))

    def constant(self) -> float:
        """Log of the normalising constant."""
        return -float(np.log(self.sigma)) - 0.5 * LOG_2PI - self._log_mass()

    def numbers(self) -> tuple[float, float, float]:
        """Return mu, sigma."""
        return self.mu, self.sigma, 0.0

    def _logp(self, x: np.ndarray) -> np.ndarray:
        return self.constant() - 0.5 * ((x - self.mu) / self.sigma) ** 2

    def draw(self, rng: np.random.Generator, size: Size) -> np.ndarray:
        """Random numbers of this size: the inverse of the distribution function, in the tail where it has no zeros."""
        a, b = self._standard()
        sign = -1.0 if a + b > 0 else 1.0
        low, high = sorted((sign * a, sign * b))
        log_low, log_high = log_ndtr(low), log_ndtr(high)
        log_cdf = np.logaddexp(log_low + np.log1p(-(u := rng.uniform(size=size))), log_high + np.log(u))
        z = np.clip(ndtri_exp(log_cdf), low, high)
        return np.clip(self.mu + self.sigma * sign * z, *self.support)

    def _standard(self) -> Support:
        lower, upper = self.support
        return (lower - self.mu) / self.sigma, (upper - self.mu) / self.sigma

    def _log_mass(self) -> float:
        """Log of the mass that the normal has between the bounds, from the tail on the other side of the mean."""
        a, b = self._standard()
        low, high = sorted((-a, -b)) if a + b > 0 else (a, b)
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(log_ndtr(high) + np.log1p(-np.exp(log_ndtr(low) - log_ndtr(high))))

    def __str__(self) -> str:
        bounds = [f", {k}={v:.4g}" for k, v in (("lower", self.lower), ("upper", self.upper)) if v is not None]
        return f"TruncatedNormal({self.mu:.4g}, {self.sigma:.4g}{''.join(bounds)})"


@dataclass(frozen=True, slots=True)
class Flat(Prior):
    """No preference at all: a constant density, which is not a distribution.

    For an sd it is constant over the positive numbers; for correlations it is LKJ(1).
    """

    code: ClassVar[int] = CONSTANT
    proper: ClassVar[bool] = False

    def _logp(self, x: np.ndarray) -> np.ndarray:
        return np.zeros_like(x)

    def __str__(self) -> str:
        return "Flat"


def log_t_constant(nu: float) -> float:
    """Log of the normalising constant of the standard t."""
    return float(gammaln((nu + 1) / 2) - gammaln(nu / 2) - 0.5 * np.log(nu * np.pi))


def check_order(prior: Prior) -> None:
    """Refuse bounds that are not in order."""
    lower, upper = prior.support
    if not lower < upper:
        raise ArgumentError(f"{prior._call()}: `lower` must be less than `upper`")
