"""What every sampler needs to know."""

from dataclasses import dataclass
from typing import Literal

Sampler = Literal["nutpie", "pymc", "numpyro"]


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
