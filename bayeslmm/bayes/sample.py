"""Sample the posterior: arguments in, an xarray DataTree with the public names out, whatever the engine."""

import sys
import warnings
from importlib.metadata import version
from inspect import signature
from typing import Literal, get_args

import numpy as np
import xarray as xr

from bayeslmm.bayes.defaults import far_from_zero
from bayeslmm.bayes.dress import dress
from bayeslmm.bayes.names import coords
from bayeslmm.bayes.nuts import Sampler, Settings, run
from bayeslmm.bayes.priors import Priors
from bayeslmm.design import Design
from bayeslmm.errors import PACKAGE, ArgumentError, NotAvailableError, SamplingWarning, did_you_mean
from bayeslmm.likelihood.threads import threads

Engine = Literal["auto", "hierarchical"]
LATER = ("marginal", "importance")
MIN_DRAWS, MIN_TUNE = 4, 10


def sample(
    design: Design,
    priors: Priors,
    *,
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    seed: int | None = None,
    sampler: Sampler = "nutpie",
    target_accept: float = 0.95,
    cores: int | None = None,
    progressbar: bool | None = None,
    engine: Engine = "auto",
) -> xr.DataTree:
    """Sample the posterior of a model by NUTS.

    Parameters
    ----------
    design, priors
        The arrays, and the priors of their parameters.
    draws, tune
        Draws that each chain keeps, and those before them that only tune the sampler.
    chains
        How many independent chains.
    seed
        Of all random numbers: the same seed gives the same draws, for any number of cores. None takes a fresh one,
        which the result's `attrs["seed"]` tells.
    sampler
        "nutpie", or "pymc" for PyMC's own NUTS, which is several times slower.
    target_accept
        Acceptance rate that the step size is tuned for; a higher one takes smaller steps and diverges less.
    cores
        How many chains run at a time; None: as many as fits use threads.
    progressbar
        Whether to show one; None: in a terminal or a notebook.
    engine
        "hierarchical": all parameters and random effects are sampled. "auto" chooses, for now always this one.

    Returns
    -------
    DataTree
        Groups `posterior` (`beta`, `sigma`, and `sd_g`, `cor_g`, `b_g` for each grouping factor g), `sample_stats`,
        `observed_data`, `constant_data`; `attrs` tell formula, priors, seed, settings and versions.

    Raises
    ------
    ArgumentError
        An argument has a value that cannot be worked with.
    KeyboardInterrupt
        Ctrl-C before there was a draw to keep.

    Warns
    -----
    SamplingWarning
        Ctrl-C stopped the run, and what was drawn until then is returned.
    """
    settings = _settings(draws, tune, chains, seed, target_accept, cores, progressbar)
    _check_choice("sampler", sampler, get_args(Sampler))
    engine_used = _engine(engine)
    coords(design)
    _warn_far(design, priors)
    if settings.progressbar:
        print("Compiling the model: half a minute the first time on a machine, then seconds", file=sys.stderr)
    raw = run(design, priors, sampler, settings)
    if raw.shape != (settings.chains, settings.draws):
        _warn_interrupted(raw.shape, settings)
    return dress(design, raw, _attributes(design, priors, sampler, engine_used, settings))


OPTIONS = tuple(name for name, p in signature(sample).parameters.items() if p.kind is p.KEYWORD_ONLY)


def _attributes(
    design: Design, priors: Priors, sampler: str, engine: str, settings: Settings
) -> dict[str, str | int | float]:
    packages = ("bayeslmm", "pymc", "pytensor", *(["nutpie"] if sampler == "nutpie" else []))
    return {
        "formula": design.formula.text,
        "priors": str(priors),
        "engine": engine,
        "sampler": sampler,
        "seed": settings.seed,
        "chains": settings.chains,
        "draws": settings.draws,
        "tune": settings.tune,
        "target_accept": settings.target_accept,
        **{f"{name}_version": version(name) for name in packages},
    }


# -- arguments -----------------------------------------------------------------------------------------------------


def _settings(
    draws: int,
    tune: int,
    chains: int,
    seed: int | None,
    target_accept: float,
    cores: int | None,
    progressbar: bool | None,
) -> Settings:
    whole = {"draws": (draws, MIN_DRAWS), "tune": (tune, MIN_TUNE), "chains": (chains, 1)}
    if cores is not None:
        whole["cores"] = (cores, 1)
    for name, (value, least) in whole.items():
        if not _is_whole(value) or value < least:
            raise ArgumentError(f"{name}={value!r} must be a whole number, at least {least}")
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


def _engine(engine: str) -> str:
    if engine in LATER:
        raise NotAvailableError(f'engine="{engine}" is not available yet; "hierarchical" has the same posterior')
    _check_choice("engine", engine, get_args(Engine))
    return "hierarchical"


def _check_choice(name: str, value: object, known: tuple[str, ...]) -> None:
    if value not in known:
        near = did_you_mean(str(value), known)
        listed = ", ".join(f'"{k}"' for k in known)
        raise ArgumentError(f"{name}={value!r} is not known{near if near.startswith('; did') else f'; it is {listed}'}")


def _warn_far(design: Design, priors: Priors) -> None:
    for term in design.terms:
        slots = dict(zip(term.effects, priors.sd(term), strict=True))
        for intercept, effect, distance in far_from_zero(design, term):
            if slots[intercept].default:
                warnings.warn(
                    f"the effect `{intercept}` of `{term.group}` is that at `{effect}` = 0, {distance:.0f} sds from "
                    f"the data, and the default prior of its sd does not reach that far: centre `{effect}`, or give "
                    f"`{slots[intercept].keys[0]}` a prior of its own",
                    SamplingWarning,
                    skip_file_prefixes=PACKAGE,
                )


def _warn_interrupted(shape: tuple[int, int], settings: Settings) -> None:
    chains, draws = shape
    warnings.warn(
        f"sampling was interrupted: {chains} of {settings.chains} chains with {draws} of {settings.draws} draws each "
        "were kept. They are draws from the posterior all the same; post.diagnostics() tells whether they are enough",
        SamplingWarning,
        skip_file_prefixes=PACKAGE,
    )
