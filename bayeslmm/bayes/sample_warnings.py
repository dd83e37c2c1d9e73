"""What is said around a run: too much for the memory, data far from zero, a run that was interrupted."""

import warnings
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class TooNear:
    """A default prior that does not reach as far as the effect lies: group, effect, column, |mean| / sd of this."""

    group: str
    intercept: str
    column: str
    distance: float
    key: str

    @property
    def seen(self) -> str:
        """What is wrong, in words."""
        return (
            f"the effect `{self.intercept}` of `{self.group}` is that at `{self.column}` = 0, {self.distance:.0f} sds "
            "from the data, and the default prior of its sd does not reach that far"
        )


def too_near(design: Design, priors: Priors) -> list[TooNear]:
    """Return the default priors of the sds of intercepts that lie far outside of the data."""
    found = []
    for term in design.terms:
        slots = dict(zip(term.effects, priors.sd(term), strict=True))
        for intercept, column, distance in far_from_zero(design, term):
            if slots[intercept].default:
                found.append(TooNear(term.group, intercept, column, distance, slots[intercept].keys[0]))
    return found


def warn_far(design: Design, priors: Priors) -> None:
    """Warn of them."""
    for prior in too_near(design, priors):
        warnings.warn(
            f"{prior.seen}: centre `{prior.column}`, or give `{prior.key}` a prior of its own",
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
