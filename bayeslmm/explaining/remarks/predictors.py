"""Predictors whose zero means nothing."""

from collections.abc import Iterator

from bayeslmm.design.matrices import INTERCEPT
from bayeslmm.design.nodes import names_in
from bayeslmm.design.values import Numeric
from bayeslmm.explaining.anatomy import Anatomy
from bayeslmm.explaining.remarks.remark import Remark, explain_code, fit_code

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
    centre = f"{float(f'{mean:.4g}'):g}"
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
        return Remark("far from zero", 2 if ratio > FAR else 1, what, why, explain_code(of))
    shifted = f'data.assign(**{{"{name}": data["{name}"] - {centre}}})'
    return Remark("far from zero", 2 if ratio > FAR else 1, what, why, fit_code(of.formula.text, shifted))


def _column(of: Anatomy, label: str) -> str | None:
    """The column behind a variable."""
    variables = [*of.formula.fixed.variables, *(v for b in of.formula.random for v in b.effects.variables)]
    node = next(v.node for v in variables if v.label == label)
    names = [n.name for n in names_in(node)]
    return names[0] if len(names) == 1 else None
