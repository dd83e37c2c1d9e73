"""`Bootstrap`: replicates of any statistic of a fit, with intervals and an account of the refits."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pandas as pd

from bayeslmm.errors import PACKAGE, ArgumentError, BayeslmmError, BayeslmmWarning, did_you_mean
from bayeslmm.point import bootstrap_intervals as intervals
from bayeslmm.point.profile import natural, parameters
from bayeslmm.point.resample import cases, clusters
from bayeslmm.results.checks import check_level
from bayeslmm.results.parameters import Asked, chosen, parameter_names
from bayeslmm.results.refits import Refits, Resample
from bayeslmm.results.table_export import Tabular

if TYPE_CHECKING:
    from bayeslmm.results.fit import Fit

Kind = Literal["percentile", "basic", "bca", "studentised"]
Statistic = Callable[["Fit"], Any]

OPTIONS = ("n", "resample", "by", "seed", "workers", "progress")


@dataclass(frozen=True)
class Bootstrap(Tabular):
    """Replicates of a statistic.

    Attributes
    ----------
    estimate
        Series: the statistic of the fit itself.
    draws
        DataFrame (refits that succeeded, statistics).
    errors
        DataFrame of standard errors in each refit, NaN where there are none.
    error
        Series: standard errors in the fit itself.
    n
        How many refits were asked for.
    failures
        Why refits failed: sentence -> how often.
    n_singular, n_unconverged
        How many of the successful refits lie on the boundary; and how many are no proven optimum.
    resample
        How responses were made, in words.
    left_out
        (J, statistics) where asked for by a BCa interval: gives the statistic with each cluster left out.
    """

    estimate: pd.Series
    draws: pd.DataFrame
    errors: pd.DataFrame
    error: pd.Series
    n: int
    failures: Mapping[str, int]
    n_singular: int
    n_unconverged: int
    resample: str
    left_out: Callable[[], np.ndarray | None]

    @property
    def n_failed(self) -> int:
        """How many refits failed."""
        return sum(self.failures.values())

    @property
    def bias(self) -> pd.Series:
        """Mean of the replicates less the estimate."""
        return (self.draws.mean() - self.estimate).rename("bias")

    @property
    def se(self) -> pd.Series:
        """Standard deviation of the replicates."""
        return self.draws.std().rename("se")

    def confint(self, level: float = 0.95, kind: Kind = "percentile") -> pd.DataFrame:
        """Intervals by statistic: lower, upper.

        Replicates without a value (a correlation with an sd of zero) are left out.

        Parameters
        ----------
        level
            Between 0 and 1.
        kind
            "percentile", "basic", "bca" (the acceleration comes from leaving out each cluster; zero where no grouping
            factor has independent levels, as with crossed factors) or "studentised" (fixed effects, or a statistic
            that came with its standard error).
        """
        check_level(level)
        if kind not in get_args(Kind):
            known = get_args(Kind)
            raise ArgumentError(
                f'kind="{kind}" is not known; it is one of {", ".join(known)}{did_you_mean(kind, known)}'
            )
        if kind == "studentised":
            self._check_errors()
        acceleration = self._acceleration() if kind == "bca" else np.zeros(len(self.estimate))
        names = self.estimate.index
        found = [self._interval(j, level, kind, float(acceleration[j])) for j in range(len(names))]
        extreme = [str(name) for name, (_, _, beyond) in zip(names, found, strict=True) if beyond]
        if extreme:
            warnings.warn(
                f"the BCa interval of {', '.join(extreme)} ends at the most extreme of {len(self.draws)} replicates; "
                "take more of them, n=...",
                BayeslmmWarning,
                skip_file_prefixes=PACKAGE,
            )
        return pd.DataFrame([f[:2] for f in found], index=names, columns=["lower", "upper"], dtype=float)

    def _interval(self, j: int, level: float, kind: Kind, acceleration: float) -> tuple[float, float, bool]:
        """Lower, upper, and whether an end lies beyond the replicates."""
        t, draws = float(self.estimate.iloc[j]), self.draws.iloc[:, j].to_numpy()
        finite = np.isfinite(draws)
        if finite.sum() < 2:
            return np.nan, np.nan, False
        draws = draws[finite]
        if kind == "bca":
            return intervals.bca(draws, t, acceleration, level)
        if kind == "percentile":
            return *intervals.percentile(draws, level), False
        if kind == "basic":
            return *intervals.basic(draws, t, level), False
        errors = self.errors.iloc[:, j].to_numpy()[finite]
        return *intervals.studentised(draws, errors, t, float(self.error.iloc[j]), level), False

    def only(self, names: Sequence[str]) -> "Bootstrap":
        """The same replicates of some of the statistics."""
        at = [list(self.estimate.index).index(n) for n in names]

        def left_out() -> np.ndarray | None:
            whole = self.left_out()
            return None if whole is None else whole[:, at]

        return Bootstrap(
            self.estimate.iloc[at],
            self.draws.iloc[:, at],
            self.errors.iloc[:, at],
            self.error.iloc[at],
            self.n,
            self.failures,
            self.n_singular,
            self.n_unconverged,
            self.resample,
            left_out,
        )

    def _check_errors(self) -> None:
        missing = [n for n in self.estimate.index if not np.isfinite(self.error[n])]
        if missing:
            raise ArgumentError(
                f'kind="studentised" needs a standard error in each refit, and `{missing[0]}` has none; ask for fixed '
                'effects, parm="beta_", give a function `standard_error`, or take kind="bca"'
            )

    def _acceleration(self) -> np.ndarray:
        whole = self.left_out()
        return np.zeros(len(self.estimate)) if whole is None else intervals.acceleration(whole)

    def __repr__(self) -> str:
        lines = [
            f"bootstrap: {self.n} refits, {self.resample}",
            self._for_paper().to_string(float_format=lambda v: f"{v:.5g}"),
        ]
        lines += [f"{times} of {self.n} refits failed: {why}" for why, times in self.failures.items()]
        ok = self.n - self.n_failed
        lines.append(f"{self.n_singular} of {ok} on the boundary (singular), {self.n_unconverged} not converged")
        return "\n".join(lines)

    def _for_paper(self) -> pd.DataFrame:
        return pd.DataFrame({"estimate": self.estimate, "bias": self.bias, "se": self.se})


def bootstrap(
    fit: "Fit",
    statistic: Statistic | None = None,
    n: int = 1000,
    resample: Resample = "parametric",
    by: str | None = None,
    seed: int | np.random.Generator | None = None,
    workers: int | None = None,
    standard_error: Statistic | None = None,
    progress: bool = True,
) -> Bootstrap:
    """Refit resampled data n times and keep a statistic of each refit; see `Fit.bootstrap`."""
    measure = _measure(fit, statistic, standard_error)
    names, t0, e0 = measure(fit)
    refits = Refits.of(fit, n, resample, by, seed, workers, progress)
    found = refits.run(lambda refit: measure(refit)[1:])
    good = [f for f in found.results if f is not None]
    if not good:
        why = next(iter(found.failures), "")
        raise ArgumentError(f"all {n} refits failed; the first because: {why}")
    draws = pd.DataFrame(np.array([t for t, _ in good]), columns=names)
    errors = pd.DataFrame(np.array([e for _, e in good]), columns=names)

    def left_out() -> np.ndarray | None:
        return _left_out(fit, lambda refit: measure(refit)[1], by)

    return Bootstrap(
        pd.Series(t0, index=names, name="estimate"),
        draws,
        errors,
        pd.Series(e0, index=names, name="se"),
        n,
        found.failures,
        found.n_singular,
        found.n_unconverged,
        refits.words,
        left_out,
    )


def boot_interval(fit: "Fit", level: float, parm: Asked | Statistic, options: Mapping[str, Any]) -> pd.DataFrame:
    """`fit.confint(method="boot")`."""
    kind = options.get("kind", "percentile")
    if kind not in get_args(Kind):
        known = get_args(Kind)
        raise ArgumentError(f'kind="{kind}" is not known; it is one of {", ".join(known)}{did_you_mean(kind, known)}')
    rest = {name: value for name, value in options.items() if name != "kind"}
    unknown = [name for name in rest if name not in OPTIONS]
    if unknown:
        raise ArgumentError(f"confint has no option `{unknown[0]}`{did_you_mean(unknown[0], ['kind', *OPTIONS])}")
    if callable(parm):
        return bootstrap(fit, statistic=parm, **rest).confint(level, kind)
    parm = "beta_" if parm is None and kind == "studentised" else parm
    wanted = chosen(fit.design, fit.likelihood.covariance, parm)
    if isinstance(parm, Mapping):
        L = np.array([a.combination(fit.design.p) for a in wanted.values()])
        rest["statistic"] = lambda refit: pd.Series(L @ refit.estimates.beta, index=list(wanted))
        rest["standard_error"] = lambda refit: np.sqrt(np.diag(L @ refit.estimates.vcov @ L.T))
        return bootstrap(fit, **rest).confint(level, kind)
    return bootstrap(fit, **rest).only(list(wanted)).confint(level, kind)


Measured = tuple[list[str], np.ndarray, np.ndarray]


def _measure(fit: "Fit", statistic: Statistic | None, standard_error: Statistic | None) -> Callable[["Fit"], Measured]:
    """What is taken of each refit: names, values and standard errors."""
    if statistic is None:
        if standard_error is not None:
            raise ArgumentError("standard_error belongs to a statistic of your own; give both, or neither")
        return _all_parameters(fit)
    if not callable(statistic):
        raise ArgumentError(
            f"statistic={statistic!r} must be a function of a fit that returns numbers, such as lambda f: f.icc()"
        )

    def measure(refit: "Fit") -> Measured:
        value = statistic(refit)
        names, numbers = _named(value)
        errors = np.full(numbers.size, np.nan) if standard_error is None else _named(standard_error(refit))[1]
        if errors.size != numbers.size:
            raise ArgumentError(f"standard_error gives {errors.size} numbers for a statistic of {numbers.size}")
        return names, numbers, errors

    return measure


def _all_parameters(fit: "Fit") -> Callable[["Fit"], Measured]:
    """Sds, correlations, sigma and fixed effects; standard errors of the fixed effects."""
    names = list(parameter_names(fit.design, fit.likelihood.covariance))
    which = parameters(fit.likelihood.covariance, fit.design.p)

    def measure(refit: "Fit") -> Measured:
        at = refit.estimates
        errors = np.full(len(which), np.nan)
        errors[len(which) - at.beta.size :] = np.sqrt(np.diag(at.vcov))
        return names, natural(which, at.lambdas, at.sigma, at.beta), errors

    return measure


def _named(value: Any) -> tuple[list[str], np.ndarray]:
    if isinstance(value, pd.Series):
        return [str(i) for i in value.index], value.to_numpy(dtype=float)
    try:
        numbers = np.atleast_1d(np.asarray(value, dtype=float))
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            f"the statistic must return a number, an array or a Series of numbers; got {type(value).__name__}"
        ) from error
    if numbers.ndim != 1:
        raise ArgumentError(f"the statistic must return numbers in one dimension; got shape {numbers.shape}")
    return [f"t{i + 1}" for i in range(numbers.size)] if numbers.size > 1 else ["t"], numbers


def _left_out(fit: "Fit", statistic: Callable[["Fit"], np.ndarray], by: str | None) -> np.ndarray | None:
    """The statistic with each cluster left out, (J, s); None where no factor has independent levels."""
    groups = [t.group for t in fit.design.terms]
    term = clusters(fit.design) if by is None else groups.index(by)
    if term is None or fit.design.terms[term].n_levels < 3:
        return None
    J, rows = fit.design.terms[term].n_levels, []
    for level in range(J):
        try:
            rows.append(statistic(fit.refit_design(cases(fit.design, term, np.delete(np.arange(J), level)))))
        except (BayeslmmError, np.linalg.LinAlgError):
            continue
    return np.array(rows) if rows else None
