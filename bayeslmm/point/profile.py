"""Profile likelihood: how fast the criterion rises when one parameter is moved and all others follow.

With D the ML deviance, psi a parameter and psi_hat its estimate,

    zeta(psi) = sign(psi - psi_hat) sqrt( min_(psi held) D - min D )

is the signed root of the likelihood-ratio statistic; a confidence interval of level 1 - alpha is where |zeta| is below
the normal quantile z_(1 - alpha/2) (Bates & Watts 1988, section 6.1; Bates et al. 2015, section 5.1). As in lme4 the
*ML* deviance is profiled, for REML fits as well: the REML criterion says nothing about fixed effects, and profiles of
the two parts would belong to two different fits.

The constrained optimum is followed outwards from the estimate, on a chart where everything else is unconstrained (see
`charts`). Its slope costs nothing, `dD/dpsi` at the constrained optimum being the partial derivative (envelope
theorem); it gives the length of the steps and, by Hermite interpolation, the point where zeta reaches the quantile.
A path ends there or at the boundary: an sd of zero, a correlation of +-1. Where the boundary comes first it is the end
of the interval, with the zeta that is reached there. Where the sd of an effect is estimated as zero, any correlation
with it has the same likelihood, and the interval is all of [-1, 1].
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bayeslmm.likelihood.covariance import Covariance, sd_and_correlation
from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.likelihood.restricted import Restriction
from bayeslmm.likelihood.threads import one_blas_thread
from bayeslmm.point.charts import Chart, FixedEffectChart, ResidualChart
from bayeslmm.point.cone import Cone
from bayeslmm.point.covariance_chart import CovarianceChart
from bayeslmm.point.follow import Place, begin
from bayeslmm.point.optimise import optimise
from bayeslmm.point.walk import Walk, hermite, hermite_root

Kind = Literal["sd", "cor", "sigma", "fixed"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a model: `kind`, and where it is.

    Attributes
    ----------
    kind
        "sd", "cor", "sigma" or "fixed".
    term, row, column
        Of an sd (row = column) or a correlation: the term and the positions of the effects.
    coefficient
        Of a fixed effect: its position.
    weights
        Of a combination of fixed effects, which is "fixed" too: its weights, p numbers.
    """

    kind: Kind
    term: int = -1
    row: int = -1
    column: int = -1
    coefficient: int = -1
    weights: tuple[float, ...] = ()

    def combination(self, p: int) -> np.ndarray:
        """l (p,) of a fixed effect or a combination of them, l'beta."""
        return np.array(self.weights) if self.weights else np.eye(p)[self.coefficient]


def parameters(covariance: Covariance, p: int) -> tuple[Parameter, ...]:
    """All parameters in lme4's order: sds and correlations as theta, sigma, fixed effects."""
    of_theta = [Parameter("sd" if i == j else "cor", t, i, j) for t, i, j in covariance.entries]
    fixed = [Parameter("fixed", coefficient=j) for j in range(p)]
    return (*of_theta, Parameter("sigma"), *fixed)


def natural(which: Sequence[Parameter], lambdas: Sequence[np.ndarray], sigma: float, beta: np.ndarray) -> np.ndarray:
    """Values of parameters in a model given by its relative factors; NaN for a correlation with an sd of zero."""
    known = [sd_and_correlation(sigma**2 * L @ L.T) for L in lambdas]
    values = []
    for a in which:
        if a.kind == "fixed":
            values.append(float(a.combination(beta.size) @ beta))
        elif a.kind == "sigma":
            values.append(sigma)
        else:
            sd, correlation = known[a.term]
            values.append(float(sd[a.row] if a.kind == "sd" else correlation[a.row, a.column]))
    return np.array(values)


@dataclass(frozen=True, slots=True)
class Curve:
    """The profile of one parameter, from its lower to its upper end.

    Attributes
    ----------
    parameter, estimate
        Which, and its ML estimate.
    value, zeta, slope
        (n,): values of the parameter, the signed root there, and its derivative by the path parameter: by the arcsine
        of a correlation, in which it is finite at +-1, else by the parameter itself.
    followers
        (n, P): values of all parameters at the constrained optima.
    cutoff
        |zeta| at the ends, unless they lie at the boundary.
    lower, upper
        The ends.
    """

    parameter: Parameter
    estimate: float
    value: np.ndarray
    zeta: np.ndarray
    slope: np.ndarray
    followers: np.ndarray
    cutoff: float
    lower: float
    upper: float

    def end(self, zeta: float) -> float:
        """Value where the profile reaches a zeta of at most `cutoff`; the end of the curve where it never does."""
        t, by_t = _path(self.parameter.kind, self.value), self.slope
        beyond = np.flatnonzero(self.zeta >= zeta) if zeta > 0 else np.flatnonzero(self.zeta <= zeta)
        if not beyond.size:
            return self.upper if zeta > 0 else self.lower
        b = int(beyond[0] if zeta > 0 else beyond[-1])
        a = b - 1 if zeta > 0 else b + 1
        found = hermite_root(t[a], t[b], self.zeta[a], self.zeta[b], by_t[a], by_t[b], zeta)
        return float(_value(self.parameter.kind, np.array(found)))

    def at(self, value: np.ndarray) -> np.ndarray:
        """Zeta at values (n,) within the curve, by Hermite interpolation."""
        t, by_t = _path(self.parameter.kind, self.value), self.slope
        s = _path(self.parameter.kind, np.asarray(value, dtype=float))
        i = np.clip(np.searchsorted(t, s) - 1, 0, t.size - 2)
        return hermite(t[i], t[i + 1], self.zeta[i], self.zeta[i + 1], by_t[i], by_t[i + 1], s)


@dataclass(frozen=True, slots=True)
class Profiler:
    """What the profiles of one model share: the likelihood and its optimum.

    Attributes
    ----------
    likelihood
        The whole likelihood.
    reml
        Which criterion; profiles are of the ML deviance.
    best
        The least value of the criterion.
    lambdas, sigma, beta
        The estimate.
    which
        All parameters of the model.
    """

    likelihood: MarginalLikelihood
    reml: bool
    best: float
    lambdas: tuple[np.ndarray, ...]
    sigma: float
    beta: np.ndarray
    which: tuple[Parameter, ...]

    @classmethod
    def of(cls, likelihood: MarginalLikelihood, reml: bool = False) -> "Profiler":
        """Find the optimum."""
        optimum = optimise(likelihood, reml, optimizer="lbfgs")
        lambdas = likelihood.covariance.lambdas(optimum.theta)
        sigma = likelihood.sigma(optimum.evaluation.parts, reml)
        beta = likelihood.basis.coefficients(optimum.evaluation.gamma)
        which = parameters(likelihood.covariance, likelihood.p)
        return cls(likelihood, reml, optimum.value, lambdas, sigma, beta, which)

    def curve(self, parameter: Parameter, cutoff: float) -> Curve:
        """Follow the profile of a parameter to |zeta| = cutoff on both sides, or to the boundary."""
        estimate = float(natural([parameter], self.lambdas, self.sigma, self.beta)[0])
        if np.isnan(estimate):
            return self._undetermined(parameter, cutoff)
        with one_blas_thread(), np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            walk = Walk(self.chart(parameter), self.best, cutoff, *_bounds(parameter.kind))
            t = float(_path(parameter.kind, np.array(estimate)))
            places, zeta, slope = walk.both_sides(t, self.start(walk.chart, t), self.scale(parameter, walk.chart))
        t_values = np.array([p.t for p in places])
        value = _value(parameter.kind, t_values)
        followers = np.array([natural(self.which, p.told.lambdas, p.told.sigma, p.told.beta) for p in places])
        if parameter in self.which:
            followers[:, self.which.index(parameter)] = value
        lower, upper = _end(value[0], zeta[0], -cutoff, walk.low), _end(value[-1], zeta[-1], cutoff, walk.high)
        return Curve(parameter, estimate, value, zeta, slope, followers, cutoff, lower, upper)

    def _undetermined(self, parameter: Parameter, cutoff: float) -> Curve:
        flat = np.zeros(3)
        followers = np.tile(natural(self.which, self.lambdas, self.sigma, self.beta), (3, 1))
        value = np.array([-1.0, 0.0, 1.0])
        return Curve(parameter, np.nan, value, flat, flat, followers, cutoff, -1.0, 1.0)

    def chart(self, parameter: Parameter) -> Chart:
        """The criterion with this parameter held."""
        likelihood = self.likelihood
        if parameter.kind == "fixed":
            combination = parameter.combination(likelihood.p)
            return FixedEffectChart(Restriction.of(likelihood, combination), Cone.of(likelihood))
        if parameter.kind == "sigma":
            return ResidualChart(likelihood, Cone.of(likelihood), self.reml)
        effects = (parameter.row,) if parameter.kind == "sd" else (parameter.column, parameter.row)
        return CovarianceChart.of(likelihood, self.reml, parameter.term, effects, self.sigma)

    def start(self, chart: Chart, t: float) -> Place:
        """The optimum itself, on a chart."""
        return begin(chart, t, chart.start(self.lambdas, self.sigma))

    def scale(self, parameter: Parameter, chart: Chart) -> float:
        """Give a crude standard error of the path parameter."""
        if parameter.kind == "sigma":
            return self.sigma / float(np.sqrt(2 * self.likelihood.n))
        if parameter.kind == "fixed":
            row = parameter.combination(self.likelihood.p) @ self.likelihood.basis.T
            return self.sigma * float(np.linalg.norm(row))
        J = self.likelihood.covariance.terms[parameter.term].n_levels
        if parameter.kind == "cor":
            return 1 / float(np.sqrt(J))
        assert isinstance(chart, CovarianceChart)
        sd = float(natural([parameter], self.lambdas, self.sigma, self.beta)[0])
        return float(np.hypot(sd, chart.scale[0])) / float(np.sqrt(2 * J))


def _bounds(kind: Kind) -> tuple[float, float]:
    if kind == "cor":
        return -np.pi / 2, np.pi / 2
    return (-np.inf if kind == "fixed" else 0.0), np.inf


def _path(kind: Kind, value: np.ndarray) -> np.ndarray:
    """The path parameter of a value: the arcsine of a correlation, else the value itself."""
    return np.arcsin(np.clip(value, -1, 1)) if kind == "cor" else value


def _value(kind: Kind, t: np.ndarray) -> np.ndarray:
    return np.sin(t) if kind == "cor" else t


def _end(value: float, zeta: float, target: float, bound: float) -> float:
    """The end of an interval: infinite where the path neither reached the target nor a bound."""
    reached = abs(zeta) >= abs(target) * (1 - 1e-4)
    return float(value) if reached or np.isfinite(bound) else float(np.copysign(np.inf, target))
