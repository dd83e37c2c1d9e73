"""Confidence intervals of a fit, by any of the methods."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayeslmm.errors import ArgumentError, NotAvailableError, did_you_mean
from bayeslmm.point.distributions import normal_quantile
from bayeslmm.point.profile import Profiler
from bayeslmm.point.wald import wald_interval
from bayeslmm.results.bootstrap import boot_interval
from bayeslmm.results.checks import check_level
from bayeslmm.results.functional import Parameters, values_of
from bayeslmm.results.parameters import Asked, chosen
from bayeslmm.results.profile import profile

if TYPE_CHECKING:
    from bayeslmm.results.fit import Fit

METHODS = ("wald", "profile", "boot")


type Parm = Asked | Callable[[Parameters], Any]


def confint(fit: "Fit", method: str, level: float, parm: Parm, options: Mapping[str, Any]) -> pd.DataFrame:
    """Intervals of the parameters that `parm` asks for, or of a function of them: columns lower, upper.

    Raises
    ------
    ArgumentError
        An unknown method, parameter or option, or a level that is not between 0 and 1.
    """
    check_level(level)
    if method not in METHODS:
        raise ArgumentError(
            f'confint(method="{method}") is not known; it is one of {", ".join(METHODS)}{did_you_mean(method, METHODS)}'
        )
    if options and method != "boot":
        raise ArgumentError(f'confint(method="{method}") takes level and parm only, not {", ".join(options)}')
    if callable(parm):
        return _of_function(fit, method, level, parm, options)
    if method == "boot":
        return boot_interval(fit, level, parm, options)
    if method == "profile":
        return profile(fit.design, fit.likelihood, parm, level).confint(level)
    return _wald(fit, level, "beta_" if parm is None else parm)


def _of_function(
    fit: "Fit", method: str, level: float, f: Callable[[Parameters], Any], options: Mapping[str, Any]
) -> pd.DataFrame:
    """The interval of a function of the parameters, as `fit.functional` takes it."""
    if method == "wald":
        return fit.functional(f, level=level)[["lower", "upper"]]
    if method == "boot":
        return boot_interval(fit, level, lambda refit: values_of(f, refit.parameters), options)
    raise NotAvailableError(
        'confint(method="profile") is for parameters and combinations of the fixed effects; take method="wald" (delta '
        'method) or "boot", or fit the model in a form in which the function is a coefficient'
    )


def _wald(fit: "Fit", level: float, parm: Asked) -> pd.DataFrame:
    if parm == "beta_" and not fit.design.p:
        return pd.DataFrame(columns=["lower", "upper"], dtype=float)
    wanted = chosen(fit.design, fit.likelihood.covariance, parm)
    z = normal_quantile(0.5 + level / 2)
    beta, vcov = fit.estimates.beta, fit.estimates.vcov
    covariance = any(a.kind != "fixed" for a in wanted.values())
    profiler = Profiler.of(fit.likelihood, fit.reml) if covariance else None
    rows = {}
    for name, a in wanted.items():
        if profiler is None or a.kind == "fixed":
            row = a.combination(fit.design.p)
            half = z * float(np.sqrt(row @ vcov @ row))
            rows[name] = (row @ beta - half, row @ beta + half)
        else:
            rows[name] = wald_interval(profiler, a, z)
    return pd.DataFrame.from_dict(rows, orient="index", columns=["lower", "upper"], dtype=float)
