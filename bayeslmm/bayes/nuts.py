"""NUTS by nutpie, PyMC or NumPyro, behind one door: a model and settings in, arrays out.

A run that is interrupted by Ctrl-C gives what it has: the chains and the draws that keep most numbers.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import nutpie
import pandas as pd
import pymc as pm
import pytensor
import xarray as xr
from pymc.initial_point import make_initial_point_fn
from threadpoolctl import threadpool_limits

from bayeslmm.bayes.hierarchical import pymc_model
from bayeslmm.bayes.names import public_names
from bayeslmm.bayes.priors import Priors
from bayeslmm.bayes.raw_draws import RawDraws
from bayeslmm.bayes.settings import Sampler, Settings
from bayeslmm.design import Design

# our name: that of nutpie, of PyMC, and of NumPyro as PyMC calls it
STATISTICS = {
    "diverging": ("diverging", "diverging", "diverging"),
    "energy": ("energy", "energy", "energy"),
    "lp": ("logp", "lp", "lp"),
    "acceptance_rate": ("mean_tree_accept", "acceptance_rate", "acceptance_rate"),
    "step_size": ("step_size_bar", "step_size_bar", "step_size"),
    "n_steps": ("n_steps", "n_steps", "n_steps"),
    "tree_depth": ("depth", "tree_depth", "tree_depth"),
    "reached_max_treedepth": ("maxdepth_reached", "reached_max_treedepth", "reached_max_treedepth"),
}
MAX_DEPTH = 10


def run(
    design: Design, priors: Priors, sampler: Sampler, settings: Settings, centred: frozenset[str] = frozenset()
) -> RawDraws:
    """Sample the hierarchical model of a design, with the effects of these grouping factors centred."""
    with _quiet(), threadpool_limits(limits=1):
        return _BY[sampler](design, priors, centred, settings)


@contextmanager
def _quiet() -> Iterator[None]:
    """Compile so that the same seed gives the same bits, and without warnings that no user can do anything about.

    Numba's fastmath lets LLVM fuse operations in another way after a function was read from the cache.
    """
    with warnings.catch_warnings(), pytensor.config.change_flags(numba__fastmath=False):
        warnings.filterwarnings("ignore", message="PyTensor could not link to a BLAS")
        warnings.filterwarnings("ignore", message=".*multi-threaded, use of fork")
        warnings.filterwarnings("ignore", message="Found dimension named 'sample'")  # a grouping factor may be
        yield


@lru_cache(maxsize=2)
def _model(design: Design, priors: Priors, centred: frozenset[str]) -> pm.Model:
    return pymc_model(design, priors, centred)


# -- nutpie --------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=2)
def _compiled(design: Design, priors: Priors, centred: frozenset[str]) -> Any:
    model = _model(design, priors, centred)
    with pytensor.config.change_flags(mode="FAST_COMPILE"):
        compiled = nutpie.compile_pymc_model(model, var_names=public_names(design), jitter_rvs=_jittered(model))
    return _without_names(compiled) if any("," in t.group for t in design.terms) else compiled


def _without_names(compiled: Any) -> Any:
    """The same model with plain names of dimensions: nutpie joins names by commas, and these have some."""
    dims = {name: tuple(f"axis{i}_{n}" for i, n in enumerate(shape)) for name, shape in compiled.shapes.items()}
    sizes = {dim: n for name, shape in compiled.shapes.items() for dim, n in zip(dims[name], shape, strict=True)}
    return replace(compiled, dims=dims, _coords={dim: pd.RangeIndex(n) for dim, n in sizes.items()})


def _jittered(model: pm.Model) -> set[Any]:
    """Variables whose starting values differ between chains: not those that may have any scale, beta and centred b."""
    return {v for v in model.free_RVs if not v.name.startswith(("beta", "b_"))}


def _by_nutpie(design: Design, priors: Priors, centred: frozenset[str], settings: Settings) -> RawDraws:
    running = nutpie.sample(
        _compiled(design, priors, centred),
        draws=settings.draws,
        tune=settings.tune,
        chains=settings.chains,
        cores=settings.cores,
        seed=settings.seed,
        target_accept=settings.target_accept,
        adaptation="draw_diag",
        progress_bar=settings.progressbar,
        save_warmup=False,
        blocking=False,
    )
    try:
        tree = running.wait()
    except KeyboardInterrupt:
        tree = running.abort()
    raw = _raw(tree, public_names(design), 0)
    return raw.kept(np.isfinite(raw.values["sigma"]).sum(axis=1).tolist())


# -- PyMC ----------------------------------------------------------------------------------------------------------


class _Halt:
    """Stops a run of one chain after the other when one was interrupted: PyMC itself goes on with the next."""

    def __init__(self, length: int):
        self.length = length
        self.chain, self.done = 0, 0

    def __call__(self, trace: Any, draw: Any) -> None:
        if draw.chain != self.chain and self.done < self.length:
            raise KeyboardInterrupt
        self.chain, self.done = draw.chain, draw.draw_idx + 1


def _by_pymc(design: Design, priors: Priors, centred: frozenset[str], settings: Settings) -> RawDraws:
    model = _model(design, priors, centred)
    start = make_initial_point_fn(model=model, jitter_rvs=_jittered(model), return_transformed=False)
    seeds = np.random.SeedSequence(settings.seed).generate_state(settings.chains)
    cores = min(settings.cores, settings.chains)
    with model:
        try:
            tree = pm.sample(
                draws=settings.draws,
                tune=settings.tune,
                chains=settings.chains,
                cores=cores,
                random_seed=settings.seed,
                target_accept=settings.target_accept,
                nuts_sampler="pymc",
                init="adapt_diag",
                initvals=[start(int(s)) for s in seeds],
                var_names=public_names(design),
                progressbar=settings.progressbar,
                quiet=not settings.progressbar,
                compute_convergence_checks=False,
                callback=_Halt(settings.draws + settings.tune) if cores == 1 else None,
            )
        except ValueError as error:
            if "Not enough samples" in str(error):
                raise KeyboardInterrupt from None
            raise
    return _raw(tree, public_names(design), 1)


# -- NumPyro -------------------------------------------------------------------------------------------------------


def _by_numpyro(design: Design, priors: Priors, centred: frozenset[str], settings: Settings) -> RawDraws:
    from pymc.sampling.jax import sample_numpyro_nuts

    model = _model(design, priors, centred)
    seeds = np.random.SeedSequence(settings.seed).generate_state(settings.chains)
    start = make_initial_point_fn(model=model, jitter_rvs=_jittered(model), return_transformed=False)
    tree = sample_numpyro_nuts(
        draws=settings.draws,
        tune=settings.tune,
        chains=settings.chains,
        target_accept=settings.target_accept,
        random_seed=int(seeds[0]),
        initvals=[start(int(s)) for s in seeds],
        jitter=False,
        model=model,
        var_names=public_names(design),
        nuts_kwargs={"max_tree_depth": MAX_DEPTH},
        progressbar=settings.progressbar,
        chain_method="sequential",
        compute_convergence_checks=False,
    )
    stats = tree["sample_stats"]
    stats["reached_max_treedepth"] = stats["n_steps"] >= 2**MAX_DEPTH - 1
    stats["lp"] = -stats["lp"]
    return _raw(tree, public_names(design), 2)


def _raw(tree: xr.DataTree, names: Sequence[str], which: int) -> RawDraws:
    posterior, stats = tree["posterior"].to_dataset(), tree["sample_stats"].to_dataset()
    statistics = {ours: stats[theirs[which]].to_numpy() for ours, theirs in STATISTICS.items()}
    statistics |= {name: statistics[name].astype(np.int64) for name in ("n_steps", "tree_depth")}
    return RawDraws({name: posterior[name].to_numpy() for name in names}, statistics)


_BY = {"nutpie": _by_nutpie, "pymc": _by_pymc, "numpyro": _by_numpyro}
