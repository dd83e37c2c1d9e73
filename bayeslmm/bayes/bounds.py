"""Where parameters may lie, and starting values that lie there."""

from collections.abc import Sequence

import numpy as np

from bayeslmm.bayes.defaults import Slot
from bayeslmm.bayes.prior import Support


def support_of(slot: Slot) -> Support:
    """Lower and upper bound of a parameter: those of its prior, and 0 for an sd."""
    lower, upper = slot.prior.support
    return (lower if slot.kind == "beta" else max(lower, 0.0)), upper


def inside(slots: Sequence[Slot], start: np.ndarray) -> np.ndarray:
    """Starting values (m,) moved into the supports of their priors.

    One that lies outside goes to the middle of an interval with two ends; as far beyond a single bound as it is from
    it, or by the parameter's scale where it lies on it.
    """
    return np.array([_moved(s, float(x)) for s, x in zip(slots, start, strict=True)])


def _moved(slot: Slot, x: float) -> float:
    lower, upper = support_of(slot)
    if lower < x < upper:
        return x
    if np.isfinite(lower) and np.isfinite(upper):
        return (lower + upper) / 2
    if np.isfinite(lower):
        return lower + (abs(x - lower) or slot.scale)
    return upper - (abs(x - upper) or slot.scale)
