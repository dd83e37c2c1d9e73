"""Sample the posterior: arguments in, an xarray DataTree with the public names out, whatever the engine."""

from inspect import signature
from os import PathLike

import xarray as xr

from bayeslmm.bayes import engines
from bayeslmm.bayes.dress import dress
from bayeslmm.bayes.engine_choice import Engine, engine_for, is_our_own
from bayeslmm.bayes.names import coords
from bayeslmm.bayes.parameterisation import Parameterisation, Reliability
from bayeslmm.bayes.priors import Priors
from bayeslmm.bayes.sample_warnings import check_memory, warn_far, warn_interrupted
from bayeslmm.bayes.settings import Sampler, make_settings
from bayeslmm.design import Design
from bayeslmm.errors import ArgumentError

TUNE = {"marginal": 200, "importance": 200, "hierarchical": 1000}
TARGET_ACCEPT = {"marginal": 0.9, "importance": 0.9, "hierarchical": 0.95}


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
    data_name: str = "",
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
    chosen = engine_for(engine, sampler, parameterisation)
    tune = TUNE[chosen] if tune is None else tune
    target_accept = TARGET_ACCEPT[chosen] if target_accept is None else target_accept
    settings = make_settings(draws, tune, chains, seed, target_accept, cores, progressbar)
    coords(design)
    if resume and store is None:
        raise ArgumentError("resume=True goes on with a store; say which: store=path")
    if store is not None and not is_our_own(chosen, priors, sampler):
        raise ArgumentError(
            'store= is for engine="marginal" with its own sampler, whose chains can go on where they were'
        )
    check_memory(design, settings)
    warn_far(design, priors)
    if chosen == "hierarchical":
        raw, attributes = engines.hierarchical(design, priors, settings, sampler, parameterisation, reliability)
    elif chosen == "importance":
        raw, attributes = engines.by_importance(design, priors, settings)
    elif not is_our_own(chosen, priors, sampler):
        raw, attributes = engines.marginal_by_pymc(design, priors, settings, sampler)
    elif store is None:
        raw, attributes = engines.marginal(design, priors, settings)
    else:
        raw, attributes, settings = engines.stored(design, priors, settings, seed, store, resume, data_name)
    if raw.shape != (settings.chains, settings.draws):
        warn_interrupted(raw.shape, settings)
    return dress(design, raw, {**engines.attributes_of(design, priors, settings), **attributes})


OPTIONS = tuple(n for n, p in signature(sample).parameters.items() if p.kind is p.KEYWORD_ONLY and n != "data_name")
