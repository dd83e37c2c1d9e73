"""Predictions from posterior draws, without the compiled model.

    eta_s = offset + X beta_s + sum_t Z_t b_ts[level],    y_s = eta_s + sigma_s / sqrt(w) e.

A level that the model has not seen gets effects of zero, or b_s ~ N(0, Cov_s), drawn once for each posterior draw and
shared by all rows of that level. Random numbers belong to levels and rows, never to chunks, so that the answer does
not depend on how the rows are divided.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
import xarray as xr

from bayeslmm.design import Design, NewRows, NewTerm, RandomTerm
from bayeslmm.errors import ArgumentError, DataError
from bayeslmm.results.checks import check_level
from bayeslmm.results.posterior_draws import Draws, chunks
from bayeslmm.results.posterior_tables import interval, sd_of
from bayeslmm.results.predict import chosen_groups, fitted_rows, row_index

NewLevels = Literal["error", "population", "sample"]
Kind = Literal["expected", "predictive"]
Replicated = Literal["all", "new", "none"]
Seed = int | np.random.Generator | None
NOISE, LEVELS = 0, 1  # first word of the spawn keys


@dataclass(frozen=True)
class Streams:
    """Independent random numbers by name: one stream for the noise, one for each new level."""

    entropy: int

    @classmethod
    def of(cls, seed: Seed) -> "Streams":
        """Streams of a seed; fresh ones for None."""
        if isinstance(seed, np.random.Generator):
            return cls(int(seed.integers(2**63)))
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0):
            raise ArgumentError(f"seed={seed!r} must be a whole number that is not negative, or None")
        return cls(int(seed) if seed is not None else int(np.random.SeedSequence().generate_state(1, np.uint64)[0]))

    def rng(self, *key: int) -> np.random.Generator:
        """The stream of this name."""
        return np.random.default_rng(np.random.SeedSequence(self.entropy, spawn_key=key))


@dataclass(frozen=True)
class TermEffects:
    """The draws of one term's effects, for known and for new levels.

    Attributes
    ----------
    position
        Of the term in the design.
    b
        (S, J, k): effects of the known levels.
    root
        (S, k, k): a root of the covariance, to draw new levels; None where new levels get zero.
    Z
        (m, k): values that multiply the effects.
    index
        (m,): known level of each row, or J + the number of the new level.
    """

    position: int
    b: np.ndarray
    root: np.ndarray | None
    Z: np.ndarray
    index: np.ndarray

    def rows(self, part: slice, streams: Streams) -> np.ndarray:
        """(S, rows): Z b for some rows."""
        levels, position = np.unique(self.index[part], return_inverse=True)
        J = self.b.shape[1]
        b = np.zeros((self.b.shape[0], levels.size, self.b.shape[2]))
        known = levels < J
        b[:, known] = self.b[:, levels[known]]
        if self.root is not None:
            for column in np.flatnonzero(~known):
                z = streams.rng(LEVELS, self.position, int(levels[column]) - J).normal(size=b.shape[::2])
                b[:, column] = np.einsum("sij,sj->si", self.root, z)
        value = np.zeros((b.shape[0], position.size))
        for j in range(b.shape[2]):
            value += b[:, position, j] * self.Z[part, j]
        return value


@dataclass(frozen=True)
class Predictor:
    """All that is needed to predict m rows from S draws, a chunk of rows at a time.

    Attributes
    ----------
    beta, sigma
        (S, p) and (S,).
    rows
        Columns of the rows to predict.
    terms
        Effects of the chosen groups.
    weights
        (m,): prior weights of the rows.
    streams
        The random numbers.
    """

    beta: np.ndarray
    sigma: np.ndarray
    rows: NewRows
    terms: tuple[TermEffects, ...]
    weights: np.ndarray
    streams: Streams

    @property
    def shape(self) -> tuple[int, int]:
        """(draws, rows)."""
        return self.beta.shape[0], self.rows.X.shape[0]

    def expected(self, part: slice = slice(None)) -> np.ndarray:
        """(S, rows): draws of the mean."""
        eta = self.beta @ self.rows.X[part].T + self.rows.offset[part]
        for term in self.terms:
            eta += term.rows(part, self.streams)
        return eta

    def noise(self, part: slice, rng: np.random.Generator) -> np.ndarray:
        """(S, rows): residuals; `rng` goes on from row to row."""
        w = self.weights[part]
        return (rng.normal(size=(w.size, self.sigma.size)) / np.sqrt(w)[:, None]).T * self.sigma[:, None]

    def chunks(self, kind: Kind) -> Iterator[tuple[slice, np.ndarray]]:
        """Draws (S, rows) of one chunk of rows after the other."""
        rng = self.streams.rng(NOISE)
        for part in chunks(self.shape[1], self.shape[0]):
            value = self.expected(part)
            yield part, value + self.noise(part, rng) if kind == "predictive" else value

    def draws(self, kind: Kind) -> np.ndarray:
        """(S, m): all draws."""
        out = np.empty(self.shape)
        for part, value in self.chunks(kind):
            out[:, part] = value
        return out

    def summary(self, kind: Kind, level: float) -> dict[str, np.ndarray]:
        """Mean, sd and interval (m,) of each row."""
        out = np.empty((4, self.shape[1]))
        for part, value in self.chunks(kind):
            out[:, part] = value.mean(axis=0), sd_of(value), *interval(value, level)
        return dict(zip(("estimate", "se", "lower", "upper"), out, strict=True))


def predict_posterior(
    draws: Draws,
    newdata: Any,
    re: str | Collection[str],
    new_levels: NewLevels,
    kind: Kind,
    level: float,
    seed: Seed,
    as_draws: bool,
) -> pd.DataFrame | np.ndarray:
    """Summaries of each row, or the draws (S, rows)."""
    check_level(level)
    _check("new_levels", new_levels, ("error", "population", "sample"))
    _check("kind", kind, ("expected", "predictive"))
    predictor = make_predictor(draws, newdata, chosen_groups(draws.design, re), new_levels, seed)
    if as_draws:
        return predictor.draws(kind)
    return pd.DataFrame(predictor.summary(kind, level), index=row_index(draws.design, newdata))


def make_predictor(
    draws: Draws,
    newdata: Any = None,
    groups: frozenset[str] | None = None,
    new_levels: NewLevels = "error",
    seed: Seed = None,
) -> Predictor:
    """Predictor of the fitted rows (newdata None) or of new ones, with the effects of `groups` (None: all)."""
    design = draws.design
    groups = chosen_groups(design, "all") if groups is None else groups
    rows = fitted_rows(design) if newdata is None else design.recipe.rows(newdata, groups=groups)
    m = rows.X.shape[0]
    missing = np.zeros(m, dtype=bool)
    terms = []
    for position, (term, new) in enumerate(zip(design.terms, rows.terms, strict=True)):
        if term.group in groups:
            absent = _missing(new)
            missing |= absent
            terms.append(_effects(draws, term, position, new, absent, new_levels))
    rows = NewRows(rows.X, rows.terms, np.where(missing, np.nan, rows.offset))
    weights = design.weights if newdata is None else np.ones(m)
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
    return TermEffects(position, draws.b(term), root, new.Z, index)


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


def _check(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ArgumentError(f"{name}={value!r} is not known; it is one of " + ", ".join(f'"{k}"' for k in known))


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
