"""A likelihood-ratio test of nested models: its p-value and the name of the distribution it comes from."""

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from bayeslmm.errors import ArgumentError, did_you_mean
from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.point.boundary import alone, change, mixture_name, mixture_p_value
from bayeslmm.point.distributions import chi2_p_value, clopper_pearson
from bayeslmm.point.estimates import estimates
from bayeslmm.point.optimise import optimise
from bayeslmm.point.resample import clusters
from bayeslmm.point.rlrt import applies, monte_carlo_p_value, simulate
from bayeslmm.point.seeds import generator
from bayeslmm.results.refits import Refits

if TYPE_CHECKING:
    from bayeslmm.results.fit import Fit

Method = Literal["chisq", "boot"]
EXACT_DRAWS = 10_000
NOMINAL = 0.05
ASK = (
    "unknown for several variances at once, for correlated effects of groups that cross, and where the smaller model "
    'is singular itself; method="boot" gives a p-value'
)


@dataclass(frozen=True, slots=True)
class RatioTest:
    """p-values of one likelihood ratio.

    Attributes
    ----------
    p, reference
        Against the plain chi-square, as R prints it, and its name.
    p_boundary, reference_boundary
        Where a variance of zero is tested, or a bootstrap was asked for: against the distribution that holds there. NaN
        and "" where the plain chi-square is right; NaN and what to do where none is known.
    draws
        Simulated likelihood ratios behind `p_boundary`; 0 where it was not simulated.
    """

    p: float
    reference: str
    p_boundary: float = np.nan
    reference_boundary: str = ""
    draws: int = 0

    @property
    def error(self) -> float:
        """Monte Carlo standard error of `p_boundary`; NaN where it was not simulated."""
        return float(np.sqrt(self.p_boundary * (1 - self.p_boundary) / self.draws)) if self.draws else np.nan


@dataclass(frozen=True, slots=True)
class How:
    """How to find p-values.

    Attributes
    ----------
    method
        "chisq" or "boot".
    n, most
        Bootstrap refits; and up to how many more are made, in steps, while those so far do not tell on which side of
        0.05 p lies (the Clopper-Pearson interval of 95% includes it). No more by default.
    seed
        Of all simulation.
    """

    method: Method
    n: int
    seed: int | None
    most: int = 0

    def __post_init__(self) -> None:
        if self.method not in get_args(Method):
            known, near = get_args(Method), did_you_mean(str(self.method), get_args(Method))
            raise ArgumentError(f'method="{self.method}" is not known; it is one of {", ".join(known)}{near}')


def likelihood_ratio_test(smaller: "Fit", larger: "Fit", how: How) -> RatioTest:
    """Test the smaller of two nested models, both fitted by the same criterion."""
    x, df = smaller.criterion - larger.criterion, larger.n_parameters - smaller.n_parameters
    plain = chi2_p_value(max(x, 0.0), df) if df > 0 else np.nan
    name = f"chi2({df})" if df > 0 else ""
    if how.method == "boot":
        return RatioTest(plain, name, *_bootstrapped(smaller, larger, max(x, 0.0), how))
    if df <= 0:
        return RatioTest(plain, name)
    return RatioTest(plain, name, *_at_the_boundary(smaller, larger, x, df, how))


def _at_the_boundary(smaller: "Fit", larger: "Fit", x: float, df: int, how: How) -> tuple[float, str, int]:
    found = change(smaller.design.terms, larger.design.terms)
    if found.kind == "same" or (found.kind == "correlations" and not smaller.is_singular):
        return np.nan, "", 0
    if found.kind == "one effect" and df == found.among + 1:
        if found.among == 0 and (exact := _finite_sample(smaller, larger, x, how)) is not None:
            return exact
        if clusters(larger.design) is not None and not smaller.is_singular:
            return mixture_p_value(x, found.among), mixture_name(found.among), 0
    return np.nan, ASK, 0


def _finite_sample(smaller: "Fit", larger: "Fit", x: float, how: How) -> tuple[float, str, int] | None:
    """Of one uncorrelated effect: exact against no other, conditional beside others; None where it has many levels."""
    tested = larger.likelihood
    if smaller.design.terms:
        term = alone(smaller.design.terms, larger.design.terms)
        tested = MarginalLikelihood.of(replace(larger.design, terms=(term,)))
    if not applies(tested):
        return None
    kind = "RLRT" if larger.reml else "LRT"
    draws = simulate(tested, larger.reml, EXACT_DRAWS, generator(how.seed))
    given = f"{kind} given the other random effects" if smaller.design.terms else f"exact {kind}"
    return monte_carlo_p_value(x, draws), f"{given}, {EXACT_DRAWS} draws", EXACT_DRAWS


def _bootstrapped(smaller: "Fit", larger: "Fit", x: float, how: How) -> tuple[float, str, int]:
    """Simulate from the smaller model and refit both; the first refits are the same however many follow."""
    refits = Refits.of(smaller, max(how.n, how.most), "parametric", None, how.seed, None, True)
    draws, failures, start = np.zeros(0), Counter[str](), 0
    for stop in _stages(how.n, how.most):
        part = replace(refits, seeds=refits.seeds[start:stop], workers=min(refits.workers, stop - start))
        found = part.run(lambda null: null.criterion - larger.refit_quietly(null.design.y).criterion)
        draws = np.append(draws, [r for r in found.results if r is not None])
        failures.update(found.failures)
        start = stop
        if not draws.size:
            raise ArgumentError(f"all {stop} refits failed; the first because: {next(iter(failures), '')}")
        p = monte_carlo_p_value(x, draws + 1e-9)
        low, high = clopper_pearson(round(p * (draws.size + 1)) - 1, draws.size)
        if not low <= NOMINAL <= high:
            break
    failed = failures.total()
    words = f"parametric bootstrap, {draws.size} refits" + (f" ({failed} more failed)" if failed else "")
    return p, words, int(draws.size)


def _stages(n: int, most: int) -> list[int]:
    """n, then twice as many at a time, up to `most`."""
    found = [n]
    while found[-1] < most:
        found.append(min(2 * found[-1] + 1, most))
    return found


def by_ml(fit: "Fit") -> "Fit":
    """The same model fitted by maximum likelihood; nothing is warned of."""
    if not fit.reml:
        return fit
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        optimum = optimise(fit.likelihood, False, "lbfgs")
        found = estimates(fit.likelihood, optimum, False)
    return replace(fit, optimum=optimum, estimates=found, reml=False)
