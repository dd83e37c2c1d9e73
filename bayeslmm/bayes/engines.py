"""The engines of `sample`: each gives raw draws with the public names, and tells what it was.

What an engine needs is loaded when it runs.
"""

import sys
import warnings
from dataclasses import replace
from functools import cache
from importlib.metadata import version
from os import PathLike

from bayeslmm.bayes.engine_choice import SAMPLER_PACKAGES, checked_sampler
from bayeslmm.bayes.names import public_names
from bayeslmm.bayes.parameterisation import Parameterisation, Reliability, as_text, centred_groups
from bayeslmm.bayes.priors import Priors
from bayeslmm.bayes.progress import Progress
from bayeslmm.bayes.raw_draws import RawDraws
from bayeslmm.bayes.settings import Sampler, Settings
from bayeslmm.design import Design
from bayeslmm.errors import PACKAGE, SamplingWarning

Attributes = dict[str, str | int | float]


def marginal(design: Design, priors: Priors, settings: Settings) -> tuple[RawDraws, Attributes]:
    """Our own sampler on the marginal posterior, and exact draws of what was integrated out."""
    from bayeslmm.bayes.marginal.run import run

    with _progress(settings) as progress:
        return run(design, priors, settings, progress=progress), _own(design, priors)


def _own(design: Design, priors: Priors) -> Attributes:
    return {"engine": "marginal", "sampler": "bayeslmm", "sampled": _sampled(design, priors), **_versions("numba")}


def _sampled(design: Design, priors: Priors) -> str:
    """The coefficients that are not integrated out, because of their priors."""
    from bayeslmm.bayes.integrated import is_sampled

    return ", ".join(name for name, kept in zip(design.coef_names, is_sampled(priors), strict=True) if kept)


def stored(
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
    attributes = {**attributes_of(design, priors, settings), **_own(design, priors)}
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


def marginal_by_pymc(
    design: Design, priors: Priors, settings: Settings, sampler: Sampler | None
) -> tuple[RawDraws, Attributes]:
    """The marginal posterior by a sampler of PyMC's world, whose densities know every prior."""
    sampler = checked_sampler(sampler)
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


def by_importance(design: Design, priors: Priors, settings: Settings) -> tuple[RawDraws, Attributes]:
    """Draws from a t distribution at the mode, reweighted; our own sampler where the weights cannot be used."""
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
        return marginal(design, priors, settings)
    told = {"khat": found.k, "importance_ess": found.ess, "proposals": found.proposals}
    return found.raw, {**_own(design, priors), "engine": "importance", **told}


def hierarchical(
    design: Design,
    priors: Priors,
    settings: Settings,
    sampler: Sampler | None,
    parameterisation: Parameterisation | None,
    reliability: Reliability,
) -> tuple[RawDraws, Attributes]:
    """Everything is sampled, random effects too, by PyMC's model."""
    sampler = checked_sampler(sampler)
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


def attributes_of(design: Design, priors: Priors, settings: Settings) -> Attributes:
    """What the result tells of any run."""
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
