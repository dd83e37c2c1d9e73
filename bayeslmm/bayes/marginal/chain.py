"""One chain: where it is, how its steps are tuned, and its random numbers.

Warm-up has windows of draws. In each the step size is tuned; after each but the last, z is whitened anew by the moments
of the draws. How a window is cut into blocks changes nothing: random numbers come from streams that only go on.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayeslmm.bayes.marginal.loops import loops
from bayeslmm.bayes.marginal.mode import Gaussian
from bayeslmm.bayes.marginal.nuts import LOG_STEP_BAR, N_ADAPTATION, N_STATISTICS
from bayeslmm.likelihood.compiled.plan import apart, apart_like

FIRST_STEP = 0.8
FORGET = 4  # the share of a window, 1 / FORGET, that its moments leave out
MIN_WINDOW = 20
MOMENTA, CHOICES, EFFECTS, STARTS = range(4)


@dataclass(slots=True, eq=False)
class Chain:
    """The state of one chain; it changes as the chain goes on.

    Attributes
    ----------
    number, seed
        Which chain, and the seed of all.
    gaussian
        What whitens.
    z
        (d,): where it is.
    adaptation
        (5,): of the step size.
    done
        Draws kept so far.
    streams
        Random numbers: momenta, choices, effects.
    """

    number: int
    seed: int
    gaussian: Gaussian
    z: np.ndarray
    adaptation: np.ndarray
    done: int
    streams: tuple[np.random.Generator, ...]

    @classmethod
    def begin(cls, number: int, seed: int, gaussian: Gaussian, finite: Callable[[np.ndarray], bool]) -> "Chain":
        """A chain that starts at a random point, where `finite` says that there is a density."""
        d = gaussian.centre.size
        z = _stream(seed, number, STARTS).normal(size=d)
        while not finite(gaussian.centre + gaussian.root @ z):
            z /= 2
        return cls(number, seed, gaussian, apart_like(z), _reset(FIRST_STEP), 0, _streams(seed, number))

    @classmethod
    def resumed(cls, number: int, seed: int, state: dict[str, np.ndarray], effects: int) -> "Chain":
        """The chain as `state` gave it; `effects` is how many normal numbers a draw of the effects takes."""
        d, done, tune = state["z"].size, int(state["done"]), int(state["tune"])
        streams = _streams(seed, number)
        streams[MOMENTA].normal(size=(done + tune, d))
        _seeds(streams[CHOICES], done + tune)
        for _ in range(done):
            streams[EFFECTS].normal(size=effects)
        gaussian = Gaussian(state["centre"], state["root"])
        return cls(number, seed, gaussian, apart_like(state["z"]), state["adaptation"].copy(), done, streams)

    def state(self, tune: int) -> dict[str, np.ndarray]:
        """All that a new process needs to go on with the next draw."""
        return {
            "z": self.z.copy(),
            "adaptation": self.adaptation.copy(),
            "centre": self.gaussian.centre,
            "root": self.gaussian.root,
            "done": np.array(self.done),
            "tune": np.array(tune),
        }

    @property
    def step(self) -> float:
        """Step size of draws that are kept."""
        return float(np.exp(self.adaptation[LOG_STEP_BAR]))

    def draw(
        self, density: Any, problem: Any, n: int, target: float, tuning: bool = False
    ) -> tuple[np.ndarray, np.ndarray]:
        """The next n draws: x (n, d) and statistics (n, 7)."""
        d = self.z.size
        draws, statistics = apart(n, d), apart(n, N_STATISTICS)
        normals, seeds = apart_like(self.streams[MOMENTA].normal(size=(n, d))), _seeds(self.streams[CHOICES], n)
        by = (density, loops().evaluate, problem)
        whitened = (apart_like(self.gaussian.centre), apart_like(self.gaussian.root))
        moves = (normals, seeds, self.z, self.adaptation, target, tuning)
        loops().advance(*by, *whitened, *moves, draws, statistics)
        return draws, statistics

    def normals(self, n: int, size: int) -> np.ndarray:
        """Normal numbers (n, size) for the effects of the next n draws."""
        return apart_like(self.streams[EFFECTS].normal(size=(n, size)))

    def whiten(self, draws: np.ndarray) -> None:
        """Whiten anew by the moments of a window of draws (n, d), and tune the step size from where it is."""
        x = self.gaussian.centre + self.gaussian.root @ self.z
        self.gaussian = self.gaussian.adapted(draws[draws.shape[0] // FORGET :])
        self.z[:] = np.linalg.solve(self.gaussian.root, x - self.gaussian.centre)
        self.adaptation = _reset(self.step)


def windows(tune: int) -> Iterator[int]:
    """Lengths of the windows of warm-up."""
    if tune < 2 * MIN_WINDOW:
        yield tune
    elif tune < 400:
        yield from (tune // 2, tune - tune // 2)
    else:
        yield from (tune // 4, tune // 4, tune - 2 * (tune // 4))


def _reset(step: float) -> np.ndarray:
    """Dual averaging about ten times the step, as Hoffman & Gelman (2014) do."""
    out = np.zeros(N_ADAPTATION)
    out[:2], out[-1] = np.log(step), np.log(10 * step)
    return out


def _stream(seed: int, chain: int, which: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(chain, which)))


def _streams(seed: int, chain: int) -> tuple[np.random.Generator, ...]:
    return tuple(_stream(seed, chain, which) for which in (MOMENTA, CHOICES, EFFECTS))


def _seeds(stream: np.random.Generator, n: int) -> np.ndarray:
    return stream.integers(0, 2**64, size=n, dtype=np.uint64)
