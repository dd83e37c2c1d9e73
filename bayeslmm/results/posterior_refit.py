"""Rows and groups that importance sampling cannot leave out, left out by sampling again (`reloo` of brms).

Where Pareto k is above its limit, the posterior without a row or a level is too far from the one with it. There

    elpd_i = log mean_s p(y_i | y_-i, phi_s),    phi_s from p(phi | y_-i)

is taken from draws that were made without it, with the same priors; b and beta are integrated out as before.
"""

import warnings
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from scipy.special import logsumexp, ndtr

from bayeslmm.errors import SamplingWarning
from bayeslmm.results.posterior_draws import Draws
from bayeslmm.results.posterior_left_out import Integrated, integrated, without_each_level, without_each_row
from bayeslmm.results.posterior_loo import Loo, loo_table

type Sampled = Callable[[np.ndarray, int], Any]  # rows that stay and a number for the seed: a posterior


@dataclass(frozen=True, slots=True)
class Refitted:
    """One row or level left out exactly: its elpd, its PIT (NaN of levels), and whether the draws are good."""

    elpd: float
    pit: float
    ok: bool


def refit_bad(loo: Loo, draws: Draws, priors: object, sample: Sampled) -> Loo:
    """Replace what has a Pareto k above the limit.

    Parameters
    ----------
    loo
        Of PSIS, random effects integrated out.
    draws, priors
        The posterior that it is of.
    sample
        Samples the model of the rows (m,) that stay.
    """
    bad = np.flatnonzero((loo.pointwise["pareto_k"] > loo.elpd.good_k).to_numpy())
    found = {int(i): _without(loo, draws, priors, int(i), sample) for i in bad}
    return replaced(loo, found)


def _without(loo: Loo, draws: Draws, priors: object, i: int, sample: Sampled) -> Refitted:
    """Leave out the row or level number i."""
    out = np.arange(draws.design.n) == i
    if loo.group:
        out = next(t for t in draws.design.terms if t.group == loo.group).index == i
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SamplingWarning)
        post = sample(np.flatnonzero(~out), i)
    again = integrated(Draws(post.draws.posterior, draws.design), priors)
    log_p, score = _densities(again, loo.group, i)
    pit = float(ndtr(score).mean()) if score is not None else np.nan
    return Refitted(float(logsumexp(log_p) - np.log(log_p.size)), pit, bool(post.diagnostics().ok))


def _densities(posterior: Integrated, group: str, i: int) -> tuple[np.ndarray, np.ndarray | None]:
    """log p(y_i | y_-i, phi_s), (S,), and the score of a row, (S,)."""
    if group:
        return without_each_level(posterior, group)[1][:, i], None
    found = without_each_row(posterior)
    assert found.score is not None
    return found.without[:, i], found.score[:, i]


def replaced(loo: Loo, found: dict[int, Refitted]) -> Loo:
    """The result with the exact values in it; Pareto k of these is 0, as brms has it."""
    if not found:
        return replace(loo, refitted=())
    at, names = list(found), list(loo.pointwise.index)
    values, k = (loo.pointwise[c].to_numpy(float, copy=True) for c in ("elpd", "pareto_k"))
    fall = values[at] - [f.elpd for f in found.values()]
    values[at], k[at] = [f.elpd for f in found.values()], 0.0
    pointwise = loo.pointwise.assign(elpd=values, pareto_k=k)
    elpd = _arviz(loo, values, k, float(fall.sum()))
    pit = loo.pit
    if pit is not None:
        pit = pit.copy()
        pit[at] = [f.pit for f in found.values()]
    p_i = loo.p_i.copy()
    p_i[at] += fall
    table = loo_table(elpd, p_i, loo.group)
    poor = tuple(names[i] for i, f in found.items() if not f.ok)
    return replace(
        loo,
        elpd=elpd,
        table=table,
        pointwise=pointwise,
        p_i=p_i,
        pit=pit,
        refitted=tuple(names[i] for i in at),
        poorly_refitted=poor,
    )


def _arviz(loo: Loo, values: np.ndarray, k: np.ndarray, more_p: float) -> Any:
    """ArviZ's object with other values."""
    elpd = copy(loo.elpd)
    like: xr.DataArray = elpd.elpd_i
    elpd.elpd_i, elpd.pareto_k = like.copy(data=values), like.copy(data=k)
    elpd.elpd, elpd.se = float(values.sum()), float(np.sqrt(values.size * values.var()))
    elpd.p, elpd.warning = elpd.p + more_p, False
    return elpd


def seed_of(attrs: Mapping[Any, Any], number: int) -> int:
    """A seed for each refit, from the one of the run."""
    first = int(attrs.get("seed") or 0)
    return int(np.random.SeedSequence([first, number]).generate_state(1)[0])
