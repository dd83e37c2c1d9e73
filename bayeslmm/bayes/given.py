"""Priors by name: which parameters each names, and whether it can be theirs."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bayeslmm.bayes.defaults import AT_MEAN, Kind, Slot
from bayeslmm.bayes.distributions import LKJ, Cauchy, Flat, Laplace, Normal, Prior, StudentT, Uniform
from bayeslmm.design import Design
from bayeslmm.errors import ArgumentError, did_you_mean

FOREIGN_HOMES = ("pymc", "pytensor", "preliz")


def replaced(design: Design, slots: list[Slot], given: Mapping[str, Any]) -> list[Slot]:
    """Slots with the priors that were given by name; ArgumentError for names and priors that cannot be."""
    known = list(dict.fromkeys(k for s in slots for k in s.keys))
    for key in given:
        if key not in known:
            raise ArgumentError(_unknown(design, key, known))
    return [_replaced_slot(design, s, next((k for k in s.keys if k in given), None), given) for s in slots]


def _replaced_slot(design: Design, slot: Slot, key: str | None, given: Mapping[str, Any]) -> Slot:
    if key is None:
        return slot
    why = "given" if key == slot.keys[0] else f"given as `{key}`"
    at = AT_MEAN if slot.why.endswith(AT_MEAN) else ""
    return replace(slot, prior=_checked(design, slot, key, given[key]), why=why + at, default=False)


def _unknown(design: Design, key: object, known: list[str]) -> str:
    if key in design.dropped:
        return f"priors: the column `{key}` is collinear with others and was left out, so it has no prior"
    shown = [k for k in known if not k.startswith("beta[") and "(Intercept)" not in k]
    near = did_you_mean(str(key), shown)
    listed = ", ".join(f"`{k}`" for k in shown[:16]) + (", ..." if len(shown) > 16 else "")
    question = f"{near} P" if near.startswith("; did") else "; p"
    return f"priors: there is no parameter `{key}`{question}riors can be given for {listed}"


def _checked(design: Design, slot: Slot, key: str, given: object) -> Prior:
    """The prior, if it can be one of this parameter."""
    prior = _own(design, slot, key, given)
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
        raise ArgumentError(
            f"priors: `{key}`: {prior} allows negative values, which an sd cannot have; {_positive_part(prior)}"
        )
    return prior


def _own(design: Design, slot: Slot, key: str, given: object) -> Prior:
    """What was given as a prior of the vocabulary, or a wrapped one of another library."""
    if isinstance(given, Prior):
        return given
    if type(given).__module__.split(".")[0] not in FOREIGN_HOMES:
        raise ArgumentError(f"priors: `{key}`: {given!r} is not a prior; write for example {_example(slot.kind)}")
    from bayeslmm.bayes.foreign import as_prior

    prior, n = as_prior(given, key)
    sizes = {len(block) for t in design.terms if t.group == slot.group for block in t.blocks if len(block) > 1}
    if slot.kind == "cor" and n is not None and sizes != {n}:
        raise ArgumentError(
            f"priors: `{key}`: pm.LKJCorr has n={n}, and `{slot.group}` has "
            f"{' and '.join(map(str, sorted(sizes)))} correlated effects; blm.LKJ({getattr(prior, 'eta', 2):g}) fits "
            "any number"
        )
    return prior


def _positive_part(prior: Prior) -> str:
    match prior:
        case Normal(mu=0.0):
            return f"its positive half is blm.HalfNormal({prior.sigma:g})"
        case Normal():
            return f"its positive part is blm.TruncatedNormal({prior.mu:g}, {prior.sigma:g}, lower=0)"
        case StudentT(mu=0.0):
            return f"its positive half is blm.HalfStudentT({prior.nu:g}, {prior.sigma:g})"
        case Cauchy(alpha=0.0):
            return f"its positive half is blm.HalfCauchy({prior.beta:g})"
        case Laplace(mu=0.0):
            return f"its positive half is blm.Exponential({1 / prior.b:g})"
        case Uniform() if prior.upper > 0:
            return f"its positive part is blm.Uniform(0, {prior.upper:g})"
        case _:
            return "use blm.Gamma or blm.HalfNormal"


def _example(kind: Kind) -> str:
    return {"beta": "blm.Normal(0, 10)", "cor": "blm.LKJ(2)"}.get(kind, "blm.HalfNormal(10)")
