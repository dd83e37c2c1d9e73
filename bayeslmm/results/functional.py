"""Functions of the parameters that a user writes with names: `fit.functional(f)`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import special

from bayeslmm.design import Design, RandomTerm
from bayeslmm.errors import ArgumentError
from bayeslmm.likelihood.covariance import sd_and_correlation
from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.point.distributions import t_quantile
from bayeslmm.point.functional import functional
from bayeslmm.point.optimum import Optimum

Scale = Literal["identity", "log", "logit", "atanh"]
SCALES: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any], Callable[[Any], Any]]] = {
    "identity": (lambda h: h, lambda z: z, np.ones_like),
    "log": (np.log, np.exp, lambda h: 1 / h),
    "logit": (special.logit, special.expit, lambda h: 1 / (h * (1 - h))),
    "atanh": (np.arctanh, np.tanh, lambda h: 1 / (1 - h**2)),
}


@dataclass(frozen=True, slots=True, eq=False)
class Parameters:
    """The parameters of a model, by name: what the user's function gets.

    Attributes
    ----------
    beta
        Fixed effects by coefficient.
    cov
        By grouping factor: covariance of its effects, (k, k).
    sigma
        Residual sd.
    """

    beta: pd.Series
    cov: Mapping[str, pd.DataFrame]
    sigma: float

    @property
    def var(self) -> dict[str, pd.Series]:
        """By grouping factor: variances of its effects."""
        return {g: pd.Series(np.diag(V), index=V.index) for g, V in self.cov.items()}

    @property
    def sd(self) -> dict[str, pd.Series]:
        """By grouping factor: standard deviations of its effects."""
        return {g: np.sqrt(v) for g, v in self.var.items()}

    @property
    def cor(self) -> dict[str, pd.DataFrame]:
        """By grouping factor: correlations of its effects."""
        return {g: pd.DataFrame(sd_and_correlation(V.to_numpy())[1], V.index, V.columns) for g, V in self.cov.items()}


def named(design: Design, beta: np.ndarray, covariances: tuple[np.ndarray, ...], sigma: float) -> Parameters:
    """Parameters with their names."""

    def frame(term: RandomTerm, V: np.ndarray) -> pd.DataFrame:
        return pd.DataFrame(V, index=list(term.effects), columns=list(term.effects))

    cov = {t.group: frame(t, V) for t, V in zip(design.terms, covariances, strict=True)}
    return Parameters(pd.Series(beta, index=list(design.coef_names)), cov, sigma)


def functional_table(
    f: Callable[[Parameters], Any],
    design: Design,
    likelihood: MarginalLikelihood,
    optimum: Optimum,
    beta: np.ndarray,
    reml: bool,
    scale: Scale,
    level: float,
) -> pd.DataFrame:
    """Estimate, se, df, lower, upper of each value that f returns."""
    if scale not in SCALES:
        raise ArgumentError(f'scale="{scale}" is not known; it is one of {", ".join(SCALES)}')
    if not callable(f):
        raise ArgumentError(f"functional: give a function of the parameters; got {type(f).__name__}")
    to, back, slope = SCALES[scale]
    names: list[str] = []

    def on_scale(b: np.ndarray, covariances: tuple[np.ndarray, ...], sigma: float) -> np.ndarray:
        value = f(named(design, b, covariances, sigma))
        names[:] = [str(k) for k in value] if isinstance(value, Mapping) else _index(value)
        with np.errstate(divide="ignore", invalid="ignore"):
            return to(_numbers(value))

    found = functional(on_scale, likelihood, optimum, beta, reml)
    estimate, half = back(found.estimate), t_quantile(0.5 + level / 2, found.df) * found.se
    columns = {
        "estimate": estimate,
        "se": found.se / slope(estimate),
        "df": found.df,
        "lower": back(found.estimate - half),
        "upper": back(found.estimate + half),
    }
    return pd.DataFrame(columns, index=names)


def values_of(f: Callable[[Parameters], Any], at: Parameters) -> pd.Series:
    """What f returns, as numbers by name."""
    value = f(at)
    return pd.Series(_numbers(value), index=[str(k) for k in value] if isinstance(value, Mapping) else _index(value))


def _index(value: Any) -> list[str]:
    if isinstance(value, pd.Series):
        return [str(k) for k in value.index]
    return ["value"] if np.ndim(value) == 0 else [f"value{i + 1}" for i in range(len(value))]


def _numbers(value: Any) -> np.ndarray:
    try:
        array = np.atleast_1d(np.array(list(value.values()) if isinstance(value, Mapping) else value, dtype=float))
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"functional: the function returned {value!r}; it returns a number, or several") from error
    if array.ndim != 1:
        raise ArgumentError(f"functional: the function returned shape {array.shape}; it returns a number, or several")
    return array
