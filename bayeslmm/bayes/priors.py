"""The priors of a model: defaults in the units of the response, replaced by name.

    beta        Intercept   N(mean(y), 2.5 sd(y))       where every predictor has its mean
                others      N(0, 2.5 sd(y) / sd(x))
    sd_g        HalfStudentT(3, sd(y) / sd(z)), with sd(z) = 1 for an intercept
    cor_g       LKJ(2)
    sigma       HalfStudentT(3, sd(y))

y is the response less its offset; sds and means are weighted where the model has weights. The prior of the intercept
is one on the expected response at the mean of the predictors, as in brms: beta_0 + mean(x)' beta. `0 + f` has one such
intercept for each level of f. A model with neither measures y and the predictors from zero.

`priors="flat"` has constant densities for beta, for each sd and for sigma, and LKJ(1), which is constant, for the
correlations. With beta integrated out, the mode of this posterior in (sd, cor, sigma) is the REML estimate.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from bayeslmm.bayes.defaults import Slot, centring, default_slots
from bayeslmm.bayes.distributions import LKJ, Flat
from bayeslmm.bayes.given import replaced
from bayeslmm.bayes.prior_table import prior_table, prior_text
from bayeslmm.design import Design, RandomTerm
from bayeslmm.errors import ArgumentError
from bayeslmm.likelihood.basis import FixedBasis

GivenPriors = Literal["default", "flat"] | Mapping[str, Any] | None  # Any: a Prior, or one of PyMC or PreliZ
MIN_LEVELS_FLAT = 3


@dataclass(frozen=True, slots=True, eq=False)
class Priors:
    """The priors of every parameter of one model.

    Attributes
    ----------
    slots
        Fixed effects, then for each grouping factor the sds and the correlations, then sigma.
    levels
        (p,) bool: the coefficients whose prior holds at the mean of the others' columns: the intercept.
    centre
        (p,): means of the columns, zero for `levels`; all zero without an intercept.
    start
        (p,): least-squares estimate, in the parameters that have the priors.
    """

    slots: tuple[Slot, ...]
    levels: np.ndarray
    centre: np.ndarray
    start: np.ndarray

    @property
    def table(self) -> pd.DataFrame:
        """Columns parameter, prior, sd, unit, sd_response, why: see `prior_table`."""
        return prior_table(self.slots)

    @property
    def beta(self) -> tuple[Slot, ...]:
        """Slots of the p coefficients."""
        return tuple(s for s in self.slots if s.kind == "beta")

    @property
    def sigma(self) -> Slot:
        """Slot of the residual sd."""
        return self.slots[-1]

    def sd(self, term: RandomTerm) -> tuple[Slot, ...]:
        """Slots of the k sds of a term."""
        return tuple(s for s in self.slots if s.kind == "sd" and s.group == term.group)

    def cor(self, term: RandomTerm) -> LKJ:
        """Prior of the correlations of a term that estimates some."""
        return next(s.prior for s in self.slots if s.group == term.group and isinstance(s.prior, LKJ))

    def to_user(self, beta: np.ndarray) -> np.ndarray:
        """Coefficients (..., p) on the user's scale, from those that have the priors."""
        return beta - (beta @ self.centre)[..., None] * self.levels

    def __str__(self) -> str:
        return prior_text(self.table)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self.table.to_html(index=False, border=0, na_rep="", float_format=lambda sd: f"{sd:.4g}")


def resolve(design: Design, given: GivenPriors = None) -> Priors:
    """Return the priors of a design's parameters.

    Parameters
    ----------
    design
        The arrays of the model.
    given
        None or "default"; "flat"; or priors by name. A name is, from the most to the least specific, a coefficient
        ("Intercept", "grade", or "beta[grade]" where a name means two things) or "beta" (all but the intercept);
        "sd_g[effect]", "sd_g" or "sd"; "cor_g" or "cor"; "sigma". What is not named keeps its default. A distribution
        of PyMC (`pm.Gamma.dist(2, 0.1)`) or PreliZ is taken for what it is.

    Raises
    ------
    ArgumentError
        No parameter has this name, or this prior cannot be one of that parameter.
    """
    if isinstance(given, Priors):
        raise ArgumentError(
            "priors takes None, 'default', 'flat' or a dict of priors by name, not the priors of a model"
        )
    flat = isinstance(given, str) and given == "flat"
    if not (given is None or flat or isinstance(given, Mapping) or (isinstance(given, str) and given == "default")):
        raise ArgumentError(
            f'priors={given!r} is not known; it is None or "default", "flat", or a dict such as '
            '{"sd": blm.HalfNormal(10)}'
        )
    levels, centre = centring(design)
    slots = list(default_slots(design, levels))
    if flat:
        slots = [_flat(s) for s in slots]
    elif isinstance(given, Mapping):
        slots = replaced(design, slots, given)
    _check_flat(design, slots)
    return Priors(tuple(slots), levels, centre, _least_squares(design, levels, centre))


def _flat(slot: Slot) -> Slot:
    return replace(slot, prior=LKJ(1) if slot.kind == "cor" else Flat(), why='priors="flat"', default=False)


def _least_squares(design: Design, levels: np.ndarray, centre: np.ndarray) -> np.ndarray:
    beta = FixedBasis.of(design.X, design.y_net, design.weights).b0
    return beta + (beta @ centre) * levels


def _check_flat(design: Design, slots: list[Slot]) -> None:
    """A flat prior of an sd needs three levels for the posterior to be a distribution (Gelman 2006)."""
    levels = {t.group: t.n_levels for t in design.terms}
    for slot in slots:
        if slot.kind == "sd" and not slot.prior.proper and levels[slot.group] < MIN_LEVELS_FLAT:
            raise ArgumentError(
                f"priors: `{slot.group}` has {levels[slot.group]} levels, and a flat prior of its sd needs "
                f"{MIN_LEVELS_FLAT}: there would be no posterior at all. Give a proper one, for example "
                f'{{"{slot.keys[-2]}": blm.HalfNormal(10)}}'
            )
