"""What is said around a run: too much for the memory, data far from zero, a run that was interrupted."""

import warnings

from bayeslmm.bayes.defaults import far_from_zero
from bayeslmm.bayes.priors import Priors
from bayeslmm.bayes.settings import Settings
from bayeslmm.design import Design
from bayeslmm.errors import PACKAGE, ArgumentError, SamplingWarning
from bayeslmm.likelihood.memory import free_memory


def check_memory(design: Design, settings: Settings) -> None:
    """Refuse draws of effects that would not fit, twice: as they come, and joined."""
    effects, draws = sum(t.k * t.n_levels for t in design.terms), settings.chains * settings.draws
    needed, free = 16.0 * effects * draws, free_memory()
    if needed > free:
        raise ArgumentError(
            f"{draws:,} draws of {effects:,} random effects need {needed / 1e9:.1f} GB of memory, and "
            f"{free / 1e9:.1f} GB are free: take fewer draws, or fewer chains"
        )


def warn_far(design: Design, priors: Priors) -> None:
    """Warn of default priors of intercepts that lie far outside of the data."""
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


def warn_interrupted(shape: tuple[int, int], settings: Settings) -> None:
    """Warn that fewer draws than asked for, (chains, draws), were kept."""
    chains, draws = shape
    warnings.warn(
        f"sampling was interrupted: {chains} of {settings.chains} chains with {draws} of {settings.draws} draws each "
        "were kept. They are draws from the posterior all the same; post.diagnostics() tells whether they are enough",
        SamplingWarning,
        skip_file_prefixes=PACKAGE,
    )
