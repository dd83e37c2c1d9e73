"""Many refits of one model to resampled data: seeded, on threads, with an account of what went wrong.

Every refit has random numbers of its own, spawned from the seed by its number, so that the results do not depend on
how many workers share the work. Each worker has workspaces of its own. The cross-products of the predictors are those
of the fit, unless cases are drawn.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from bayeslmm.design import Design
from bayeslmm.errors import ArgumentError, BayeslmmError, check_whole, did_you_mean
from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.likelihood.policy import pays
from bayeslmm.likelihood.runner import Runner, plain_seconds
from bayeslmm.likelihood.threads import threads
from bayeslmm.point.progress import Progress
from bayeslmm.point.resample import cases, clusters, parametric, reflated, residual

if TYPE_CHECKING:
    from bayeslmm.results.fit import Fit

Resample = Literal["parametric", "residual", "cases"]
EVALUATIONS = 40  # of the criterion in a refit, at most as a rule


@dataclass(frozen=True, slots=True)
class Refitted:
    """What came of the refits.

    Attributes
    ----------
    results
        What was kept of each; None where it failed.
    failures
        Sentence -> how often.
    n_singular, n_unconverged
        Of those that did not fail.
    """

    results: list[Any]
    failures: Mapping[str, int]
    n_singular: int
    n_unconverged: int


@dataclass(frozen=True, slots=True)
class Refits:
    """How data are made and refitted.

    Attributes
    ----------
    fit
        The fit whose data are resampled.
    draw
        New data from random numbers: a response (n,) or a design.
    words
        How, in words.
    seeds
        One for each refit.
    workers
        Threads.
    progress
        Whether a long run shows a line on a terminal.
    label
        What that line begins with.
    """

    fit: "Fit"
    draw: Callable[[np.random.Generator], np.ndarray | Design]
    words: str
    seeds: list[np.random.SeedSequence]
    workers: int
    progress: bool
    label: str = ""

    @classmethod
    def of(
        cls,
        fit: "Fit",
        n: int,
        resample: Resample,
        by: str | None,
        seed: int | np.random.Generator | None,
        workers: int | None,
        progress: bool,
    ) -> "Refits":
        """Check the arguments.

        Raises
        ------
        ArgumentError
            `n` or `workers` below 1, unknown `resample`, `by` that is not a grouping factor or without cases.
        """
        for name, value in (("n", n), ("workers", 1 if workers is None else workers)):
            check_whole(name, value)
        if resample not in get_args(Resample):
            known, near = get_args(Resample), did_you_mean(str(resample), get_args(Resample))
            raise ArgumentError(f'resample="{resample}" is not known; it is one of {", ".join(known)}{near}')
        if by is not None and resample != "cases":
            raise ArgumentError(f'by="{by}" says whose levels are drawn, with resample="cases" only')
        draw, words = _drawing(fit, resample, by)
        return cls(fit, draw, words, _seeds(seed, n), min(workers or threads(), n), progress)

    def run(self, keep: Callable[["Fit"], Any]) -> Refitted:
        """Refit, and keep what `keep` says of each refit."""
        n = len(self.seeds)
        results: list[Any] = [None] * n
        failures: Counter[str] = Counter()
        states = np.zeros((n, 2), dtype=bool)
        # plain or compiled is decided before, for all of them
        likelihood = self.fit.likelihood
        pays(2 * n * EVALUATIONS * plain_seconds(likelihood.structure, likelihood.p))
        line, lock = Progress(), Lock()

        def work(worker: int) -> None:
            base = _own_workspaces(self.fit)
            for i in range(worker, n, self.workers):
                try:
                    refit = self._refit(base, np.random.default_rng(self.seeds[i]))
                    results[i] = keep(refit)
                    states[i] = refit.is_singular, not refit.converged
                except (BayeslmmError, np.linalg.LinAlgError) as error:
                    with lock:
                        failures[str(error)] += 1
                if self.progress and line.wanted:
                    with lock:
                        failed = sum(failures.values())
                        done = failed + sum(r is not None for r in results)
                        line.say(f"{self.label}{done} of {n} refits, {failed} failed")

        try:
            if self.workers == 1:
                work(0)
            else:
                with ThreadPoolExecutor(self.workers) as pool:
                    list(pool.map(work, range(self.workers)))
        finally:
            line.done()
        return Refitted(results, dict(failures.most_common()), int(states[:, 0].sum()), int(states[:, 1].sum()))

    def _refit(self, base: "Fit", rng: np.random.Generator) -> "Fit":
        drawn = self.draw(rng)
        return base.refit_design(drawn) if isinstance(drawn, Design) else base.refit_quietly(drawn)


def _own_workspaces(fit: "Fit") -> "Fit":
    """The same fit, with an engine that no other thread uses."""
    likelihood: MarginalLikelihood = fit.likelihood
    runner = Runner(likelihood.structure, likelihood.A)
    if likelihood.runner.small_engine is not None:
        _ = runner.small_engine  # made once, for all refits
    return replace(fit, likelihood=replace(likelihood, runner=runner))


def _drawing(
    fit: "Fit", resample: Resample, by: str | None
) -> tuple[Callable[[np.random.Generator], np.ndarray | Design], str]:
    design, at = fit.design, fit.estimates
    if resample == "parametric":
        return lambda rng: parametric(design, at, rng), "parametric: responses simulated from the fit"
    if resample == "residual":
        pools = reflated(design, at)
        return lambda rng: residual(design, at, pools, rng), "residual: reflated modes and residuals drawn anew"
    term = _term(design, by)
    J, group = design.terms[term].n_levels, design.terms[term].group
    return lambda rng: cases(design, term, rng.integers(J, size=J)), f"cases: the {J} levels of `{group}` drawn anew"


def _term(design: Design, by: str | None) -> int:
    groups = [t.group for t in design.terms]
    if by is not None:
        if by not in groups:
            raise ArgumentError(f"by: there is no grouping factor `{by}` in the model{did_you_mean(by, groups)}")
        return groups.index(by)
    term = clusters(design)
    if term is None:
        raise ArgumentError(
            f'resample="cases": the levels of {", ".join(groups)} cross, so that none are independent; say which to '
            f'draw, by="{groups[0]}"'
        )
    return term


def _seeds(seed: int | np.random.Generator | None, n: int) -> list[np.random.SeedSequence]:
    if isinstance(seed, np.random.Generator):
        return np.random.SeedSequence(seed.integers(2**32, size=4).tolist()).spawn(n)
    try:
        return np.random.SeedSequence(seed).spawn(n)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"seed={seed!r} must be a whole number that is not negative, or None") from error
