"""The posterior of the model as first written, seen from the estimate: how near the boundary, and what the prior adds.

*Near the boundary* has one meaning for all units: an sd tau of an effect with column z is near zero where the effect
adds less than a tenth of the residual sd to a typical row, tau sqrt(mean z^2) < 0.1 sigma; a correlation is near +-1
where it is beyond 0.9. The boundary that an estimate lies on is one of effects together, V of which has a direction
without variance: near it is where the smallest eigenvalue of D V D, D = diag(sqrt(mean z^2)), is below (0.1 sigma)^2,
which is the same for a single sd. The tenth is an argument.

*Overlap* of prior and posterior: the integral of min(p, q), 0 where the data moved all of it and 1 where nothing
(Schmid & Schmidt 2006, eq. 1), by the shares of draws of both in bins of equal probability for the two together.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd

from bayeslmm.bayes.sample_warnings import TooNear, too_near
from bayeslmm.compare.comparison import compare
from bayeslmm.compare.triage.alternatives import labels
from bayeslmm.design import Design, RandomTerm
from bayeslmm.design.linear import LinearFunctions
from bayeslmm.errors import ArgumentError
from bayeslmm.point.singular import Singularity
from bayeslmm.results.fit import Fit
from bayeslmm.results.posterior import Posterior
from bayeslmm.results.posterior_draws import Draws
from bayeslmm.results.prior_parameters import own_priors

if TYPE_CHECKING:
    from bayeslmm.results.prior_decision import PriorDecision

BINS, PRIOR_DRAWS = 20, 4000
MOST_DECISIONS, REACH, REFITS = 4, 8.0, 4


@dataclass(frozen=True)
class PosteriorPart:
    """Part 3 of a reanalysis.

    Attributes
    ----------
    table
        DataFrame by parameter, as that of `compare` (`kind`, `group`, `term`, `reml`, `mean`, `median`, `sd`, `lower`,
        `upper`), and `below` (share of the draws below the estimate), `near` (share near the boundary; NaN where there
        is none), `overlap` of prior and posterior (NaN where the prior has no draws).
    effects
        DataFrame by effect that matters: `estimate` (median), `se` (sd), `lower`, `upper`, `positive` (probability).
    boundary
        DataFrame, one row for each reason why the fit is singular: group, kind, effects, `near`.
    decisions
        By effect: how much wider or narrower all priors must be to turn its interval's verdict; empty where it was not
        asked for, where the effects are many, or where this posterior does not know its priors.
    sentences
        What the prior adds, in words.
    near
        The tenth.
    post
        The posterior.
    too_near
        Default priors of intercepts that lie too far outside of the data for them.
    """

    table: pd.DataFrame
    effects: pd.DataFrame
    boundary: pd.DataFrame
    decisions: Mapping[str, "PriorDecision"]
    sentences: tuple[str, ...]
    near: float
    post: Posterior
    too_near: tuple[TooNear, ...]


def posterior_part(
    fit: Fit, post: Posterior, functions: LinearFunctions, level: float, near: float, sensitivity: bool
) -> PosteriorPart:
    """Read all of it off the draws."""
    table = compare(fit, post, level, profile=False).table.drop(columns=["reml_se", "reml_lower", "reml_upper", "flag"])
    values = parameter_columns(post.draws)
    table["below"] = [
        float((x < e).mean()) if np.isfinite(e) else np.nan for x, e in zip(values.T, table["reml"], strict=True)
    ]
    table["near"] = np.concatenate([np.full(fit.design.p, np.nan), *_near(post.draws, near), [np.nan]])
    prior = _prior_columns(post)
    table["overlap"] = np.nan if prior is None else [overlap(a, b) for a, b in zip(prior.T, values.T, strict=True)]
    boundary = [(s.group, s.kind, ", ".join(s.effects), share_near(post.draws, s, near)) for s in fit.singularities]
    decisions = _decisions(post, functions, level) if sensitivity else {}
    return PosteriorPart(
        table=table,
        effects=_effects(post, functions, level),
        boundary=pd.DataFrame(boundary, columns=["group", "kind", "effects", "near"]),
        decisions=decisions,
        sentences=_sentences(prior is not None, decisions),
        near=near,
        post=post,
        too_near=priors_too_near(post),
    )


def priors_too_near(post: Posterior) -> tuple[TooNear, ...]:
    """Default priors that rule out what the model says where a predictor is zero, far from its data."""
    try:
        return tuple(too_near(post.design, own_priors(post.priors, "reanalyse")))
    except ArgumentError:
        return ()


def parameter_columns(draws: Draws) -> np.ndarray:
    """Draws (S, m) of all parameters in the order of `compare`: coefficients, sds and correlations by group, sigma."""
    parts = [draws.beta]
    for term in draws.design.terms:
        parts += [draws.sd(term), draws.cor(term)]
    return np.concatenate([*parts, draws.sigma[:, None]], axis=1)


def typical(term: RandomTerm) -> np.ndarray:
    """sqrt(mean z^2) of the columns (k,) of a term."""
    return np.sqrt((term.Z**2).mean(axis=0))


def _near(draws: Draws, near: float) -> list[np.ndarray]:
    """Share of draws near the boundary, of each sd and each correlation."""
    found = []
    for term in draws.design.terms:
        found.append((draws.sd(term) * typical(term) < near * draws.sigma[:, None]).mean(axis=0))
        found.append((np.abs(draws.cor(term)) > 1 - near).mean(axis=0))
    return found


def share_near(draws: Draws, reason: Singularity, near: float) -> float:
    """Share of the draws near the boundary that the estimate lies on."""
    term = next(t for t in draws.design.terms if t.group == reason.group)
    at = [term.effects.index(e) for e in reason.effects]
    scale = typical(term)[at]
    V = draws.cov(term)[:, at][:, :, at] * scale[:, None] * scale
    return float((np.linalg.eigvalsh(V)[:, 0] < (near * draws.sigma) ** 2).mean())


def _prior_columns(post: Posterior) -> np.ndarray | None:
    """Draws of the prior in the order of the parameters; None where it has none, or is not known."""
    try:
        own_priors(post.priors, "reanalyse")
        return parameter_columns(Draws(post.prior(PRIOR_DRAWS, seed=1), post.design))
    except ArgumentError:
        return None


def overlap(prior: np.ndarray, posterior: np.ndarray) -> float:
    """Integral of the smaller one of two densities, from draws (a,) and (b,); within 0.05 where there are thousands."""
    edges = np.unique(np.quantile(np.concatenate([prior, posterior]), np.linspace(0, 1, BINS + 1)[1:-1]))
    shares = [np.histogram(x, [-np.inf, *edges, np.inf])[0] / x.size for x in (prior, posterior)]
    return float(np.minimum(*shares).sum())


def _effects(post: Posterior, functions: LinearFunctions, level: float) -> pd.DataFrame:
    h = functions.values(post.draws.beta)
    lower, median, upper = np.quantile(h, [(1 - level) / 2, 0.5, (1 + level) / 2], axis=0)
    columns = {"estimate": median, "se": h.std(axis=0, ddof=1), "lower": lower, "upper": upper}
    return pd.DataFrame({**columns, "positive": (h > 0).mean(axis=0)}, index=labels(functions))


def _decisions(post: Posterior, functions: LinearFunctions, level: float) -> dict[str, "PriorDecision"]:
    if functions.m > MOST_DECISIONS:
        return {}
    found: dict[str, PriorDecision] = {}
    for name, row in zip(labels(functions), functions.L, strict=True):
        weights = _weights(row, post.design)
        try:
            asked = post.prior_sensitivity(weights, level=level, reach=REACH, refits=REFITS)
        except ArgumentError:
            return {}
        found[name] = cast("PriorDecision", asked)
    return found


def _weights(row: np.ndarray, design: Design) -> dict[str, float]:
    return {name: float(w) for name, w in zip(design.coef_names, row, strict=True) if w}


def _sentences(has_prior: bool, decisions: Mapping[str, "PriorDecision"]) -> tuple[str, ...]:
    told = tuple(d.sentence for d in decisions.values())
    return told if has_prior else (*told, "some priors are flat or not known here: no overlap is shown")


def turns(decision: "PriorDecision") -> str:
    """With which widths of the priors the interval's verdict is the other one; "" where it stays."""
    factors = decision.table["factor"].dropna()
    return " or ".join(f"{max(f, 1 / f):.2g} times as {'wide' if f > 1 else 'narrow'}" for f in factors)
