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
from typing import Literal

import numpy as np
import pandas as pd

from bayeslmm.bayes.defaults import AT_MEAN, Kind, Slot, centring, default_slots
from bayeslmm.bayes.distributions import LKJ, Flat, Prior, StudentT
from bayeslmm.design import Design, RandomTerm
from bayeslmm.errors import ArgumentError, did_you_mean
from bayeslmm.likelihood.basis import FixedBasis

GivenPriors = Literal["default", "flat"] | Mapping[str, Prior] | None
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
        """Columns parameter, prior, why."""
        rows = [(s.keys[0], str(s.prior), s.why) for s in self.slots]
        return pd.DataFrame(rows, columns=["parameter", "prior", "why"])

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
        rows = [("Parameter", "Prior", "Why"), *self.table.itertuples(index=False, name=None)]
        widths = [max(len(row[i]) for row in rows) for i in range(3)]
        return "\n".join(" ".join(map(str.ljust, row, widths)).rstrip() for row in rows)

    __repr__ = __str__


def resolve(design: Design, given: GivenPriors = None) -> Priors:
    """Return the priors of a design's parameters.

    Parameters
    ----------
    design
        The arrays of the model.
    given
        None or "default"; "flat"; or priors by name. A name is, from the most to the least specific, a coefficient
        ("Intercept", "grade", or "beta[grade]" where a name means two things) or "beta" (all but the intercept);
        "sd_g[effect]", "sd_g" or "sd"; "cor_g" or "cor"; "sigma". What is not named keeps its default.

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
        slots = _replaced(design, slots, given)
    _check_flat(design, slots)
    return Priors(tuple(slots), levels, centre, _least_squares(design, levels, centre))


def _flat(slot: Slot) -> Slot:
    return replace(slot, prior=LKJ(1) if slot.kind == "cor" else Flat(), why='priors="flat"', default=False)


def _least_squares(design: Design, levels: np.ndarray, centre: np.ndarray) -> np.ndarray:
    beta = FixedBasis.of(design.X, design.y_net, design.weights).b0
    return beta + (beta @ centre) * levels


# -- what the user gave --------------------------------------------------------------------------------------------


def _replaced(design: Design, slots: list[Slot], given: Mapping[str, Prior]) -> list[Slot]:
    known = list(dict.fromkeys(k for s in slots for k in s.keys))
    for key in given:
        if key not in known:
            raise ArgumentError(_unknown(design, key, known))
    return [_replaced_slot(s, next((k for k in s.keys if k in given), None), given) for s in slots]


def _replaced_slot(slot: Slot, key: str | None, given: Mapping[str, Prior]) -> Slot:
    if key is None:
        return slot
    why = "given" if key == slot.keys[0] else f"given as `{key}`"
    at = AT_MEAN if slot.why.endswith(AT_MEAN) else ""
    return replace(slot, prior=_checked(slot, key, given[key]), why=why + at, default=False)


def _unknown(design: Design, key: object, known: list[str]) -> str:
    if key in design.dropped:
        return f"priors: the column `{key}` is collinear with others and was left out, so it has no prior"
    shown = [k for k in known if not k.startswith("beta[") and "(Intercept)" not in k]
    near = did_you_mean(str(key), shown)
    listed = ", ".join(f"`{k}`" for k in shown[:16]) + (", ..." if len(shown) > 16 else "")
    question = f"{near} P" if near.startswith("; did") else "; p"
    return f"priors: there is no parameter `{key}`{question}riors can be given for {listed}"


def _checked(slot: Slot, key: str, prior: object) -> Prior:
    """The prior, if it can be one of this parameter."""
    if not isinstance(prior, Prior):
        raise ArgumentError(f"priors: `{key}`: {prior!r} is not a prior; write for example {_example(slot.kind)}")
    if slot.kind == "cor":
        if isinstance(prior, Flat):
            return LKJ(1)
        if isinstance(prior, LKJ):
            return prior
        raise ArgumentError(f"priors: `{key}`: {prior} cannot be a prior of correlations; use {_example('cor')}")
    if isinstance(prior, LKJ):
        raise ArgumentError(
            f"priors: `{key}`: {prior} is a prior of correlations; use for example {_example(slot.kind)}"
        )
    if slot.kind in ("sd", "sigma") and not (prior.positive or isinstance(prior, Flat)):
        cure = (
            f"its positive half is {_half(prior)}"
            if getattr(prior, "mu", 0) == 0
            else "use blm.Gamma or blm.HalfNormal"
        )
        raise ArgumentError(f"priors: `{key}`: {prior} allows negative values, which an sd cannot have; {cure}")
    return prior


def _half(prior: Prior) -> str:
    if isinstance(prior, StudentT):
        return f"blm.HalfStudentT({prior.nu:g}, {prior.sigma:g})"
    return f"blm.HalfNormal({getattr(prior, 'sigma', 1):g})"


def _example(kind: Kind) -> str:
    return {"beta": "blm.Normal(0, 10)", "cor": "blm.LKJ(2)"}.get(kind, "blm.HalfNormal(10)")


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
