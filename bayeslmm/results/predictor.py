"""Draws of the mean and of new responses for any number of rows, a chunk of rows at a time.

    eta_s = offset + X beta_s + sum_t Z_t b_ts[level],    y_s = eta_s + sigma_s / sqrt(w) e.

A level that the model has not seen gets effects of zero, or b_s ~ N(0, Cov_s), drawn once for each posterior draw and
shared by all rows of that level. Random numbers belong to levels and rows, never to chunks, so that the answer does
not depend on how the rows are divided. A chunk holds all draws of its rows: means, sds and quantiles are exact.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.sparse import csr_array

from bayeslmm.design import NewRows
from bayeslmm.errors import ArgumentError
from bayeslmm.likelihood.memory import free_memory
from bayeslmm.results.posterior_draws import chunks
from bayeslmm.results.posterior_tables import sd_of
from bayeslmm.results.simulations import Seed

Kind = Literal["expected", "linear", "predictive"]
NOISE, LEVELS = 0, 1  # first word of the spawn keys
WHOLE = 32_000_000  # numbers of a term's effects that are laid out by level once: 256 MB


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
    by_level
        (J, k, S): the same, laid out for rows; None where that would take too much memory.
    root
        (S, k, k): a root of the covariance, to draw new levels; None where new levels get zero.
    Z
        (m, k): values that multiply the effects.
    index
        (m,): known level of each row, or J + the number of the new level.
    """

    position: int
    b: np.ndarray
    by_level: np.ndarray | None
    root: np.ndarray | None
    Z: np.ndarray
    index: np.ndarray

    @classmethod
    def of(
        cls, position: int, b: np.ndarray, root: np.ndarray | None, Z: np.ndarray, index: np.ndarray
    ) -> "TermEffects":
        """Effects for rows with columns Z and levels `index`."""
        worth_it = b.shape[1] <= index.size and b.size <= WHOLE
        return cls(position, b, _by_level(b) if worth_it else None, root, Z, index)

    def rows(self, part: slice, streams: Streams) -> np.ndarray:
        """(rows, S): Z b for some rows."""
        k = self.Z.shape[1]
        levels, position = np.unique(self.index[part], return_inverse=True)
        b = self._levels(levels, streams)
        columns = position[:, None] * k + np.arange(k)
        Z = csr_array(
            (self.Z[part].ravel(), columns.ravel(), np.arange(0, columns.size + 1, k)), (position.size, len(b))
        )
        return Z @ b

    def _levels(self, levels: np.ndarray, streams: Streams) -> np.ndarray:
        """(levels k, S): effects of some levels, sorted."""
        S, J, k = self.b.shape
        known = int(np.searchsorted(levels, J))
        out = np.zeros((levels.size, k, S))
        out[:known] = _by_level(self.b[:, levels[:known]]) if self.by_level is None else self.by_level[levels[:known]]
        if self.root is not None:
            for row, level in enumerate(levels[known:], start=known):
                z = streams.rng(LEVELS, self.position, int(level) - J).normal(size=(S, k))
                out[row] = np.einsum("sij,sj->is", self.root, z)
        return out.reshape(levels.size * k, S)


def _by_level(b: np.ndarray) -> np.ndarray:
    """(J, k, S) from (S, J, k)."""
    S, J, k = b.shape
    return np.ascontiguousarray(b.reshape(S, J * k).T).reshape(J, k, S)


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
        Effects of the groups that count.
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
        """(S, rows): draws of the mean, which for a Gaussian response is the linear predictor."""
        eta = self.rows.X[part] @ self.beta.T
        eta += self.rows.offset[part, None]
        for term in self.terms:
            eta += term.rows(part, self.streams)
        return eta.T

    def noise(self, part: slice, rng: np.random.Generator) -> np.ndarray:
        """(S, rows): residuals; `rng` goes on from row to row."""
        w = self.weights[part]
        noise = rng.normal(size=(w.size, self.sigma.size))
        noise *= self.sigma
        noise /= np.sqrt(w)[:, None]
        return noise.T

    def chunks(self, kind: Kind) -> Iterator[tuple[slice, np.ndarray]]:
        """Draws (S, rows) of one chunk of rows after the other; they may be written to."""
        rng = self.streams.rng(NOISE)
        for part in chunks(self.shape[1], self.shape[0]):
            value = self.expected(part)
            if kind == "predictive":
                value += self.noise(part, rng)
            yield part, value

    def draws(self, kind: Kind) -> np.ndarray:
        """(S, m): all draws.

        Raises
        ------
        ArgumentError
            They do not fit into memory.
        """
        self._check_memory()
        out = np.empty(self.shape)
        for part, value in self.chunks(kind):
            out[:, part] = value
        return out

    def summary(self, kind: Kind, level: float) -> dict[str, np.ndarray]:
        """Mean, sd and equal-tailed interval (m,) of each row."""
        out = np.empty((4, self.shape[1]))
        ends = [(1 - level) / 2, (1 + level) / 2]
        for part, value in self.chunks(kind):
            out[0, part], out[1, part] = value.mean(axis=0), sd_of(value)
            out[2:, part] = np.quantile(value.T, ends, axis=1, overwrite_input=True)
        return dict(zip(("estimate", "se", "lower", "upper"), out, strict=True))

    def _check_memory(self) -> None:
        S, m = self.shape
        needed, free = 8.0 * S * m, free_memory()
        if needed > free:
            raise ArgumentError(
                f"{S:,} draws of {m:,} rows are {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB of memory are free: "
                "leave draws=False, whose means, sds and intervals are made from all draws in little memory, or "
                "predict fewer rows at a time"
            )
