"""Which engine and which sampler: what was asked for, what is installed, what knows the priors."""

from importlib.util import find_spec
from typing import Literal, get_args

from bayeslmm.bayes.codes import FOREIGN
from bayeslmm.bayes.priors import Priors
from bayeslmm.bayes.settings import Sampler
from bayeslmm.errors import ArgumentError, NotAvailableError, check_choice

Engine = Literal["auto", "marginal", "importance", "hierarchical"]
SAMPLER_PACKAGES: dict[str, tuple[str, ...]] = {"nutpie": ("nutpie",), "pymc": (), "numpyro": ("numpyro", "jax")}


def engine_for(engine: str, sampler: object, parameterisation: object) -> str:
    """The engine that was asked for; where it is "auto", the one that can do what else was asked for."""
    check_choice("engine", engine, get_args(Engine))
    for name, value, allowed in (
        ("sampler", sampler, ("auto", "marginal", "hierarchical")),
        ("parameterisation", parameterisation, ("auto", "hierarchical")),
    ):
        if value is not None and engine not in allowed:
            raise ArgumentError(f'engine="{engine}" has no use for {name}; engine="hierarchical" has')
    if engine == "auto":
        return "marginal" if sampler is None and parameterisation is None else "hierarchical"
    return engine


def is_our_own(engine: str, priors: Priors, sampler: object) -> bool:
    """Whether our own sampler runs: its densities know the priors, and nobody asked for another one."""
    return engine == "marginal" and sampler is None and all(s.prior.code != FOREIGN for s in priors.slots)


def checked_sampler(sampler: Sampler | None) -> Sampler:
    """A sampler of PyMC's world that is installed; nutpie where nobody asked for one."""
    chosen: Sampler = "nutpie" if sampler is None else sampler
    check_choice("sampler", chosen, get_args(Sampler))
    _check_installed(chosen)
    return chosen


def _check_installed(sampler: str) -> None:
    missing = [name for name in SAMPLER_PACKAGES[sampler] if find_spec(name) is None]
    if missing:
        raise NotAvailableError(
            f'sampler="{sampler}" needs {" and ".join(missing)}, not installed here: pip install '
            f'"bayeslmm[{sampler}]", or take sampler="nutpie"'
        )
