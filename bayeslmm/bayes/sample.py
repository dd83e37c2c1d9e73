"""Sample the posterior: arguments in, an xarray DataTree with the public names out, whatever the engine."""

import sys
import warnings
from dataclasses import replace
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from inspect import signature
from os import PathLike
from typing import Literal, get_args

import xarray as xr

from bayeslmm.bayes.codes import FOREIGN
from bayeslmm.bayes.defaults import far_from_zero
from bayeslmm.bayes.dress import dress
from bayeslmm.bayes.names import coords, public_names
from bayeslmm.bayes.parameterisation import Parameterisation, Reliability, as_text, centred_groups
from bayeslmm.bayes.priors import Priors
from bayeslmm.bayes.progress import Progress
from bayeslmm.bayes.raw_draws import RawDraws
from bayeslmm.bayes.settings import Sampler, Settings, make_settings
from bayeslmm.design import Design
from bayeslmm.errors import PACKAGE, ArgumentError, NotAvailableError, SamplingWarning, check_choice
from bayeslmm.likelihood.memory import free_memory

Engine = Literal["auto", "marginal", "importance", "hierarchical"]
TUNE = {"marginal": 200, "importance": 200, "hierarchical": 1000}
TARGET_ACCEPT = {"marginal": 0.9, "importance": 0.9, "hierarchical": 0.95}
Attributes = dict[str, str | int | float]
SAMPLER_PACKAGES: dict[str, tuple[str, ...]] = {"nutpie": ("nutpie",), "pymc": (), "numpyro": ("numpyro", "jax")}


def sample(
    design: Design,
    priors: Priors,
    reliability: Reliability = dict,
    *,
    draws: int = 1000,
    tune: int | None = None,
    chains: int = 4,
    seed: int | None = None,
    engine: Engine = "auto",
    target_accept: float | None = None,
    cores: int | None = None,
    progressbar: bool | None = None,
    sampler: Sampler | None = None,
    parameterisation: Parameterisation | None = None,
    store: str | PathLike[str] | None = None,
    resume: bool = False,
    data_name: str = "data",
) -> xr.DataTree:
    """Sample the posterior of a model by NUTS.

    Parameters
    ----------
    design, priors
        The arrays, and the priors of their parameters.
    reliability
        Gives how well informed the effects of each grouping factor are, for `parameterisation="auto"`.
    draws, tune
        Draws that each chain keeps, and those before them that only tune the sampler (None: 200 for "marginal", 1000
        for "hierarchical").
    chains
        How many independent chains.
    seed
        Of all random numbers: the same seed gives the same draws, for any number of cores. None takes a fresh one,
        which the result's `attrs["seed"]` tells.
    engine
        All have the same posterior. "marginal": random effects, and coefficients with normal or flat priors, are
        integrated out; the rest is sampled by NUTS in compiled code, and exact draws of what was integrated follow.
        "importance": the same from a t distribution at the mode, for models of which one evaluation takes long; where
        its weights cannot be used it goes on to "marginal". "hierarchical": everything is sampled, by PyMC's model.
        "auto": "marginal", unless `sampler` or `parameterisation` is given.
    target_accept
        Acceptance rate that the step size is tuned for (None: 0.9 for "marginal", 0.95 for "hierarchical"); a higher
        one takes smaller steps and diverges less.
    cores
        How many chains run at a time; None: as many as fits use threads.
    progressbar
        Whether to show one; None: in a terminal or a notebook.
    sampler
        Which NUTS. None: our own for "marginal", nutpie for "hierarchical" and wherever a prior is an object of PyMC's
        that our vocabulary lacks. "nutpie"; "pymc" for PyMC's own NUTS, which is several times slower; "numpyro", where
        it is installed, whose chains run one after the other and keep nothing when interrupted.
    parameterisation
        Of the random effects in the hierarchical engine: "noncentred", "centred", "auto" (None: centred where the data
        say more about a factor's effects than their distribution does), or a word for each grouping factor by name:
        `{"Subject": "centred"}`. The posterior is the same, the speed is not; `attrs["parameterisation"]` tells.
    store, resume
        A directory, for `engine="marginal"`: draws are written to it as they come. After a run that was killed,
        `blm.load(store)` has what was drawn, and `resume=True` goes on with it, to the very draws of one run.
    data_name
        What the store calls the data.

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
    chosen = _engine(engine, sampler, parameterisation)
    tune = TUNE[chosen] if tune is None else tune
    target_accept = TARGET_ACCEPT[chosen] if target_accept is None else target_accept
    settings = make_settings(draws, tune, chains, seed, target_accept, cores, progressbar)
    coords(design)
    if resume and store is None:
        raise ArgumentError("resume=True goes on with a store; say which: store=path")
    if store is not None and not _is_our_own(chosen, priors, sampler):
        raise ArgumentError(
            'store= is for engine="marginal" with its own sampler, whose chains can go on where they were'
        )
    _check_memory(design, settings)
    _warn_far(design, priors)
    if chosen == "hierarchical":
        raw, attributes = _hierarchical(design, priors, settings, sampler, parameterisation, reliability)
    elif chosen == "importance":
        raw, attributes = _importance(design, priors, settings)
    elif not _is_our_own(chosen, priors, sampler):
        raw, attributes = _marginal_by_pymc(design, priors, settings, sampler)
    elif store is None:
        raw, attributes = _marginal(design, priors, settings)
    else:
        raw, attributes, settings = _stored(design, priors, settings, seed, store, resume, data_name)
    if raw.shape != (settings.chains, settings.draws):
        _warn_interrupted(raw.shape, settings)
    return dress(design, raw, {**_attributes(design, priors, settings), **attributes})


OPTIONS = tuple(n for n, p in signature(sample).parameters.items() if p.kind is p.KEYWORD_ONLY and n != "data_name")


# -- engines -------------------------------------------------------------------------------------------------------


def _marginal(design: Design, priors: Priors, settings: Settings) -> tuple[RawDraws, Attributes]:
    from bayeslmm.bayes.marginal.run import run

    with _progress(settings) as progress:
        return run(design, priors, settings, progress=progress), _own(design, priors)


def _own(design: Design, priors: Priors) -> Attributes:
    return {"engine": "marginal", "sampler": "bayeslmm", "sampled": _sampled(design, priors), **_versions("numba")}


def _sampled(design: Design, priors: Priors) -> str:
    """The coefficients that are not integrated out, because of their priors."""
    from bayeslmm.bayes.integrated import is_sampled

    return ", ".join(name for name, kept in zip(design.coef_names, is_sampled(priors), strict=True) if kept)


def _stored(
    design: Design,
    priors: Priors,
    settings: Settings,
    seed: int | None,
    path: str | PathLike[str],
    resume: bool,
    data_name: str,
) -> tuple[RawDraws, Attributes, Settings]:
    """Draw into a store, from the start or from where it is; without a seed it goes on with the store's."""
    from bayeslmm.bayes.marginal.run import run
    from bayeslmm.bayes.store import Header, Store

    same = {name: getattr(settings, name) for name in ("chains", "draws", "tune", "target_accept", "seed")}
    attributes = {**_attributes(design, priors, settings), **_own(design, priors)}
    header = Header.of(design, priors, same, attributes, data_name)
    if resume:
        expected = header if seed is not None else replace(header, settings={**same, "seed": None})
        kept = Store.open(path, expected)
        settings = replace(settings, seed=int(kept.settings["seed"] or 0))
    else:
        kept = Store.begin(path, header)
    ends = [kept.blocks(chain)[-1:] for chain in range(settings.chains)]
    states = [end[0].state if end else None for end in ends]
    done = sum(end[0].stop for end in ends if end)
    with _progress(settings) as progress:
        if done < settings.chains * settings.draws:
            run(design, priors, settings, kept, progress, states)
    raw, _ = kept.raw()
    if raw is None:
        raise KeyboardInterrupt
    return raw, {**_own(design, priors), "seed": settings.seed}, settings


def _marginal_by_pymc(
    design: Design, priors: Priors, settings: Settings, sampler: Sampler | None
) -> tuple[RawDraws, Attributes]:
    """The marginal posterior by a sampler of PyMC's world, whose densities know every prior."""
    sampler = _checked_sampler(sampler)
    from bayeslmm.bayes.complete import complete
    from bayeslmm.bayes.integrated import Integrated
    from bayeslmm.bayes.nuts import run_marginal_pymc

    _say_compiling(settings)
    found = run_marginal_pymc(design, priors, sampler, settings)
    rest = complete(design, Integrated.of(design, priors), found.values, settings.seed)
    values = found.values | rest
    named = {name: values[name] for name in public_names(design)}
    versions = _versions("numba", "pymc", "pytensor", *SAMPLER_PACKAGES[sampler])
    return RawDraws(named, found.statistics), {
        "engine": "marginal",
        "sampler": sampler,
        "sampled": _sampled(design, priors),
        **versions,
    }


def _importance(design: Design, priors: Priors, settings: Settings) -> tuple[RawDraws, Attributes]:
    from bayeslmm.bayes.marginal.importance import importance

    with _progress(settings) as progress:
        found = importance(design, priors, settings, progress)
    if found.raw is None:
        warnings.warn(
            f"importance sampling: Pareto k-hat is {found.k:.2f}, above 0.7, after {found.proposals} proposals: the "
            'weights cannot be used. Going on by NUTS, engine="marginal"',
            SamplingWarning,
            skip_file_prefixes=PACKAGE,
        )
        return _marginal(design, priors, settings)
    told = {"khat": found.k, "importance_ess": found.ess, "proposals": found.proposals}
    return found.raw, {**_own(design, priors), "engine": "importance", **told}


def _hierarchical(
    design: Design,
    priors: Priors,
    settings: Settings,
    sampler: Sampler | None,
    parameterisation: Parameterisation | None,
    reliability: Reliability,
) -> tuple[RawDraws, Attributes]:
    sampler = _checked_sampler(sampler)
    centred = centred_groups(design, "auto" if parameterisation is None else parameterisation, reliability)
    from bayeslmm.bayes.nuts import run

    _say_compiling(settings)
    raw = run(design, priors, sampler, settings, centred)
    versions = _versions("pymc", "pytensor", *SAMPLER_PACKAGES[sampler])
    told = {"engine": "hierarchical", "sampler": sampler, "parameterisation": as_text(design, centred)}
    return raw, {**told, **versions}


def _progress(settings: Settings) -> Progress:
    return Progress(settings.chains, settings.tune, settings.progressbar)


def _say_compiling(settings: Settings) -> None:
    if settings.progressbar:
        print("Compiling the model: half a minute the first time on a machine, then seconds", file=sys.stderr)


def _attributes(design: Design, priors: Priors, settings: Settings) -> Attributes:
    return {
        "formula": design.formula.text,
        "priors": str(priors),
        "seed": settings.seed,
        "chains": settings.chains,
        "draws": settings.draws,
        "tune": settings.tune,
        "target_accept": settings.target_accept,
        **_versions("bayeslmm"),
    }


def _versions(*packages: str) -> Attributes:
    return {f"{name}_version": _version(name) for name in packages}


@cache
def _version(package: str) -> str:
    return version(package)


# -- arguments -----------------------------------------------------------------------------------------------------


def _engine(engine: str, sampler: object, parameterisation: object) -> str:
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


def _is_our_own(engine: str, priors: Priors, sampler: object) -> bool:
    """Whether our own sampler runs: its densities know the priors, and nobody asked for another one."""
    return engine == "marginal" and sampler is None and all(s.prior.code != FOREIGN for s in priors.slots)


def _checked_sampler(sampler: Sampler | None) -> Sampler:
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


def _check_memory(design: Design, settings: Settings) -> None:
    """Refuse draws of effects that would not fit, twice: as they come, and joined."""
    effects, draws = sum(t.k * t.n_levels for t in design.terms), settings.chains * settings.draws
    needed, free = 16.0 * effects * draws, free_memory()
    if needed > free:
        raise ArgumentError(
            f"{draws:,} draws of {effects:,} random effects need {needed / 1e9:.1f} GB of memory, and "
            f"{free / 1e9:.1f} GB are free: take fewer draws, or fewer chains"
        )


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
