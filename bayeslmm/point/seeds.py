"""Random numbers from the seed that a user gives."""

import numpy as np

from bayeslmm.errors import ArgumentError

type Seed = int | np.random.Generator | None


def generator(seed: Seed) -> np.random.Generator:
    """NumPy's default generator; one that is given goes on where it is.

    Raises
    ------
    ArgumentError
        The seed is neither a whole number that is not negative, nor a generator, nor None.
    """
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"seed={seed!r} must be a whole number that is not negative, or None") from error
