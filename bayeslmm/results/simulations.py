"""Simulations that several pictures show, made once."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

Seed = int | np.random.Generator | None


@dataclass(frozen=True, slots=True)
class LastSimulations[T]:
    """The simulations of the last whole seed; those of a generator, or of no seed, come out anew each time.

    Attributes
    ----------
    make
        Makes a number of simulations by a seed.
    kept
        One entry at most, by number and seed.
    """

    make: Callable[[int, Seed], T]
    kept: dict[tuple[int, int], T] = field(default_factory=dict)

    def of(self, n: int, seed: Seed) -> T:
        """So many simulations by this seed."""
        if not isinstance(seed, int):
            return self.make(n, seed)
        if (n, seed) not in self.kept:
            self.kept.clear()
            self.kept[n, seed] = self.make(n, seed)
        return self.kept[n, seed]
