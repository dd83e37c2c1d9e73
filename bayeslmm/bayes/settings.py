"""What every sampler needs to know, and the checks of what was given."""

import sys
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bayeslmm.errors import ArgumentError, check_whole
from bayeslmm.likelihood.threads import threads

Sampler = Literal["nutpie", "pymc", "numpyro"]
MIN_DRAWS, MIN_TUNE = 4, 10


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run of NUTS needs to know.

    Attributes
    ----------
    draws, tune, chains, cores
        Draws kept and thrown away for each chain, chains, and how many of them run at a time.
    seed
        Not negative.
    target_accept
        Acceptance rate that the step size is tuned for.
    progressbar
        Whether to show one.
    """

    draws: int
    tune: int
    chains: int
    cores: int
    seed: int
    target_accept: float
    progressbar: bool


def make_settings(
    draws: int,
    tune: int,
    chains: int,
    seed: int | None,
    target_accept: float,
    cores: int | None,
    progressbar: bool | None,
) -> Settings:
    """Settings from the arguments of `sample`; None for `seed` and `cores` as there.

    Raises
    ------
    ArgumentError
        A number is not one that can be worked with.
    """
    whole = {"draws": (draws, MIN_DRAWS), "tune": (tune, MIN_TUNE), "chains": (chains, 1)}
    if cores is not None:
        whole["cores"] = (cores, 1)
    for name, (value, least) in whole.items():
        check_whole(name, value, least)
    if seed is not None and (not _is_whole(seed) or not 0 <= seed < 2**63):
        raise ArgumentError(f"seed={seed!r} must be a whole number from 0 to 2**63 - 1, or None")
    if isinstance(target_accept, bool) or not isinstance(target_accept, int | float | np.floating):
        raise ArgumentError(f"target_accept={target_accept!r} must be a number between 0 and 1, such as 0.95")
    if not 0 < target_accept < 1:
        raise ArgumentError(f"target_accept={target_accept!r} must lie between 0 and 1, such as 0.95 or 0.99")
    if seed is None:
        seed = int(np.random.SeedSequence().generate_state(1)[0])
    return Settings(
        draws=int(draws),
        tune=int(tune),
        chains=int(chains),
        cores=min(int(chains), int(cores or threads())),
        seed=int(seed),
        target_accept=float(target_accept),
        progressbar=_interactive() if progressbar is None else bool(progressbar),
    )


def _is_whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _interactive() -> bool:
    """Whether someone looks on: a terminal, or a notebook's kernel."""
    return sys.stderr.isatty() or "ipykernel" in sys.modules
