"""Predictions from posterior draws, without the compiled model: what is asked for, and the labels of the answer."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
import xarray as xr

from bayeslmm.design import Design, NewTerm, RandomTerm
from bayeslmm.errors import ArgumentError, DataError
from bayeslmm.results.checks import check_level
from bayeslmm.results.posterior_draws import Draws
from bayeslmm.results.predict import chosen_groups, fitted_rows, row_index
from bayeslmm.results.predict_interval import new_weights
from bayeslmm.results.predictor import Kind, Predictor, Streams, TermEffects
from bayeslmm.results.simulations import Seed

NewLevels = Literal["error", "population", "sample"]
Interval = Literal["confidence", "expected", "prediction", "predictive"]
Replicated = Literal["all", "new", "none"]
AsDraws = bool | Literal["array", "xarray"]
KIND_OF: dict[str, Kind] = {
    "confidence": "expected",
    "expected": "expected",
    "prediction": "predictive",
    "predictive": "predictive",
}


def predict_posterior(
    draws: Draws,
    newdata: Any,
    re: str | Collection[str],
    new_levels: NewLevels,
    kind: Kind,
    level: float,
    seed: Seed,
    as_draws: AsDraws,
    interval: Interval | None = None,
) -> pd.DataFrame | np.ndarray | xr.DataArray:
    """Summaries of each row, or the draws: (S, rows), or an array with dims chain, draw, obs."""
    check_level(level)
    _check("new_levels", new_levels, get_args(NewLevels))
    _check("kind", kind, get_args(Kind))
    _check("draws", as_draws, (False, True, "array", "xarray"))
    observed = False
    if interval is not None:
        kind, observed = _kind_of(interval, kind)
        new_levels = "sample" if new_levels == "population" else new_levels
    predictor = make_predictor(draws, newdata, chosen_groups(draws.design, re), new_levels, seed, observed)
    if as_draws is False:
        return pd.DataFrame(predictor.summary(kind, level), index=row_index(draws.design, newdata))
    value = predictor.draws(kind)
    return value if as_draws != "xarray" else _labelled(draws, value, row_index(draws.design, newdata), kind)


def _kind_of(interval: str, kind: Kind) -> tuple[Kind, bool]:
    """What an interval is for, and whether that is an observation."""
    _check("interval", interval, tuple(KIND_OF))
    found = KIND_OF[interval]
    if kind == "predictive" and found == "expected":
        raise ArgumentError(f'kind="predictive" and interval="{interval}" ask for different things; leave `kind` out')
    return found, found == "predictive"


def _labelled(draws: Draws, value: np.ndarray, rows: pd.Index, kind: Kind) -> xr.DataArray:
    obs = np.arange(len(rows)) if isinstance(rows, pd.MultiIndex) else rows.to_numpy()
    coords = {"chain": draws.posterior["chain"], "draw": draws.posterior["draw"], "obs": obs}
    return xr.DataArray(value.reshape(*draws.shape, -1), coords, ("chain", "draw", "obs"), name=kind)


def make_predictor(
    draws: Draws,
    newdata: Any = None,
    groups: frozenset[str] | None = None,
    new_levels: NewLevels = "error",
    seed: Seed = None,
    observed: bool = False,
) -> Predictor:
    """Predictor of the fitted rows (newdata None) or of new ones, with the effects of `groups` (None: all).

    `observed`: the rows are observations, each with its weight, and come from one new level of the other groups.
    """
    design = draws.design
    groups = chosen_groups(design, "all") if groups is None else groups
    rows = fitted_rows(design) if newdata is None else design.recipe.rows(newdata, groups, all_effects=observed)
    m = rows.X.shape[0]
    missing = np.zeros(m, dtype=bool)
    terms = []
    for position, (term, new) in enumerate(zip(design.terms, rows.terms, strict=True)):
        if term.group in groups:
            absent = _missing(new)
            missing |= absent
            terms.append(_effects(draws, term, position, new, absent, new_levels))
        elif observed:
            terms.append(_one_new_level(draws, term, position, new))
    rows = replace(rows, offset=np.where(missing, np.nan, rows.offset))
    weights = new_weights(design, newdata, m) if observed else design.weights if newdata is None else np.ones(m)
    return Predictor(draws.beta, draws.sigma, rows, tuple(terms), weights, Streams.of(seed))


def _effects(
    draws: Draws, term: RandomTerm, position: int, new: NewTerm, missing: np.ndarray, new_levels: NewLevels
) -> TermEffects:
    unknown = (new.index < 0) & ~missing
    if new_levels == "error" and unknown.any():
        _refuse(term.group, new.labels[unknown])
    index = np.where(new.index < 0, term.n_levels, new.index)
    if unknown.any():
        index[unknown] = term.n_levels + pd.factorize(new.labels[unknown])[0]
    root = covariance_root(draws, term) if new_levels == "sample" and unknown.any() else None
    return TermEffects.of(position, draws.b(term), root, new.Z, index)


def _one_new_level(draws: Draws, term: RandomTerm, position: int, new: NewTerm) -> TermEffects:
    index = np.full(new.index.size, term.n_levels)
    return TermEffects.of(position, draws.b(term), covariance_root(draws, term), np.nan_to_num(new.Z), index)


def covariance_root(draws: Draws, term: RandomTerm) -> np.ndarray:
    """(S, k, k): diag(sd) R^(1/2), by the symmetric root, which exists for correlations of +-1 too."""
    values, vectors = np.linalg.eigh(draws.corr(term))
    root = (vectors * np.sqrt(np.clip(values, 0, None))[:, None, :]) @ vectors.transpose(0, 2, 1)
    return draws.sd(term)[:, :, None] * root


def _missing(new: NewTerm) -> np.ndarray:
    """(m,) bool: rows where the group is missing."""
    unknown = np.flatnonzero(new.index < 0)
    out = np.zeros(new.index.size, dtype=bool)
    out[unknown] = ["NA" in str(label).split(":") for label in new.labels[unknown]]
    return out


def _refuse(group: str, labels: np.ndarray) -> None:
    unknown = sorted({str(v) for v in labels})
    shown = ", ".join(f"`{u}`" for u in unknown[:5]) + (", ..." if len(unknown) > 5 else "")
    raise DataError(
        f"`{group}` has levels in the new data that were not in the data of the model: {shown}. Use "
        'new_levels="sample" to draw their effects, "population" for effects of zero, or re="none".'
    )


def _check(name: str, value: object, known: tuple[object, ...]) -> None:
    if not any(value is k or (isinstance(value, str) and value == k) for k in known):
        listed = ", ".join(f'"{k}"' if isinstance(k, str) else str(k) for k in known)
        raise ArgumentError(f"{name}={value!r} is not known; it is one of {listed}")


# -- the rows that were fitted -------------------------------------------------------------------------------------


def posterior_predictive(draws: Draws, obs: np.ndarray, seed: Seed, re: Replicated = "all") -> xr.Dataset:
    """New responses `y` (chain, draw, obs) for the rows that were fitted."""
    return _dataset(draws, obs, replicator(draws, re, seed).draws("predictive"))


def replicator(draws: Draws, re: Replicated, seed: Seed) -> Predictor:
    """Predictor of new data like those fitted: of the same levels ("all"), of "new" ones, or "none" at all.

    "new" gives every level of every group effects b ~ N(0, Cov_s), drawn once for each posterior draw.
    """
    _check("re", re, get_args(Replicated))
    groups = frozenset[str]() if re == "none" else None
    predictor = make_predictor(draws, groups=groups, seed=seed)
    if re != "new":
        return predictor
    design = draws.design
    terms = tuple(
        replace(effects, root=covariance_root(draws, term), index=term.index + term.n_levels)
        for effects, term in zip(predictor.terms, design.terms, strict=True)
    )
    return replace(predictor, terms=terms)


def log_likelihood(draws: Draws, obs: np.ndarray) -> xr.Dataset:
    """Log density `y` (chain, draw, obs) of each response given its random effects: N(y | eta, sigma^2 / w)."""
    design = draws.design
    predictor = make_predictor(draws)
    out = np.empty(predictor.shape)
    for part, eta in predictor.chunks("expected"):
        scale = draws.sigma[:, None] / np.sqrt(design.weights[part])
        out[:, part] = -0.5 * np.log(2 * np.pi) - np.log(scale) - 0.5 * ((design.y[part] - eta) / scale) ** 2
    return _dataset(draws, obs, out)


def observations(data: xr.DataTree, design: Design) -> np.ndarray:
    """Labels of the rows: those of the observed data, or their positions in the caller's frame."""
    if "observed_data" in data.children and "obs" in data["observed_data"].coords:
        return data["observed_data"]["obs"].to_numpy()
    return design.rows


def _dataset(draws: Draws, obs: np.ndarray, values: np.ndarray) -> xr.Dataset:
    cube = values.reshape(*draws.shape, -1)
    coords = {"chain": draws.posterior["chain"], "draw": draws.posterior["draw"], "obs": obs}
    return xr.Dataset({"y": (("chain", "draw", "obs"), cube)}, coords=coords)
