"""Predictors whose zero means nothing."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from bayeslmm.design.algebra import Term
from bayeslmm.design.matrices import INTERCEPT
from bayeslmm.design.nodes import Name
from bayeslmm.design.values import Numeric
from bayeslmm.explaining.anatomy import Anatomy
from bayeslmm.explaining.remarks.remark import Remark, fit_code
from bayeslmm.explaining.spelling import Spelled, written

FAR, OUTSIDE = 20.0, 2.0  # |mean| / sd of any predictor, and of one with a random slope


def far_from_zero(of: Anatomy) -> Iterator[Remark]:
    """A predictor whose values lie far from zero: in a random slope, or anywhere where it is as far as a year."""
    assert of.frame is not None
    slopes = {
        p.label: b.bar.group.name
        for b in of.bars
        if INTERCEPT in {p.label for x in of.bars_of(b.bar.group.name) for p in x.parts}
        for p in b.parts
        if len(p.variables) == 1
    }
    fixed = {p.label for p in of.fixed if len(p.variables) == 1}
    for label in dict.fromkeys([*slopes, *fixed]):
        value = of.frame.variables[label]
        if not isinstance(value, Numeric) or value.values.ndim != 1 or not value.values.std() > 0:
            continue
        mean, sd = float(value.values.mean()), float(value.values.std())
        outside = value.values.min() > 0 or value.values.max() < 0
        ratio = abs(mean) / sd
        if not (ratio > FAR or (label in slopes and outside and ratio > OUTSIDE)):
            continue
        yield _uncentred(of, label, mean, ratio, slopes.get(label))


def _uncentred(of: Anatomy, label: str, mean: float, ratio: float, group: str | None) -> Remark:
    centre = _round(mean, abs(mean) / ratio)
    what = f"`{label}` has a mean of {mean:.4g}, {ratio:.3g} of its sds from zero"
    if group is not None:
        what += f", and a random slope in `{group}`"
        why = (
            "the intercepts and their variance are those at zero, far outside of the data, and their correlation with "
            "the slopes is close to +-1 by construction"
        )
    else:
        why = "the intercept is the expectation at zero, far outside of the data, and its standard error is as large"
    name = _column(of, label)
    if name is None:
        cure = fit_code(_shifted(of, label, centre))
    else:
        cure = fit_code(of.formula.text, f'data.assign(**{{"{name}": data["{name}"] {_less(centre)}}})')
    return Remark("far from zero", 2 if ratio > FAR else 1, what, why, cure)


def _round(mean: float, sd: float) -> float:
    """A round number within half an sd of the mean."""
    return float(round(mean, -int(np.floor(np.log10(sd)))))


def _less(centre: float) -> str:
    return f"{'-' if centre > 0 else '+'} {abs(centre):.15g}"


def _column(of: Anatomy, label: str) -> str | None:
    """The column that a variable is; None where it is made of columns, and shifting these would make another one."""
    variables = [*of.formula.fixed.variables, *(v for b in of.formula.random for v in b.effects.variables)]
    node = next(v.node for v in variables if v.label == label)
    return node.name if isinstance(node, Name) else None


def _shifted(of: Anatomy, label: str, centre: float) -> str:
    """The formula with a variable less its centre."""
    less = f"I({label} {_less(centre)})"

    def named(term: Term) -> str:
        return ":".join(less if v == label else v for v in term.variables)

    bars = [replace(Spelled.of(b), labels=tuple(map(named, b.effects.terms))).text() for b in of.formula.random]
    fixed = ["1" if of.formula.has_intercept else "0", *map(named, of.formula.fixed.terms)]
    return written(of.formula, bars, fixed)
