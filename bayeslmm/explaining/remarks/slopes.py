"""Random slopes that nothing can tell, and those that are missing."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from bayeslmm.design.values import Factor, Numeric
from bayeslmm.explaining.anatomy import Anatomy, BarParts, Part
from bayeslmm.explaining.remarks.remark import FEW_LEVELS, Remark, fit_code, with_bars
from bayeslmm.explaining.spelling import Spelled


def constant_slopes(of: Anatomy) -> Iterator[Remark]:
    """A random slope of a predictor that does not vary within any group."""
    for i, b in enumerate(of.bars):
        for part in b.parts:
            if not part.variables or not of.is_constant_within(part.variables, b.bar.group.name):
                continue
            group = b.bar.group.name
            what = f"`{part.label}` does not vary within the levels of `{group}`, and has random effects there"
            why = (
                "no level shows a slope of its own: the variance could only stand for intercepts whose spread depends "
                f"on `{part.label}`"
            )
            yield Remark("constant slope", 2, what, why, fit_code(with_bars(of, {i: _less(b, part)})))


def _less(b: BarParts, part: Part) -> Spelled:
    own = Spelled.of(b.bar)
    labels = tuple(label for label in own.labels if label != part.label)
    return replace(own, labels=labels, intercept=own.intercept or not labels)


def missing_slopes(of: Anatomy) -> Iterator[Remark]:
    """A predictor, or an interaction, that varies within groups and has no random slope there."""
    for group, rows in of.groups.items():
        J = len(rows.labels)
        own = of.bars_of(group)
        here = {p.label for b in own for p in b.parts}
        effects = sum(len(b.effects) for b in own)
        candidates = [
            p for p in of.fixed if p.variables and p.columns and p.label not in here and _varies(of, p, group)
        ]
        for part in candidates:
            larger = any(set(part.variables) < set(other.variables) for other in candidates)
            if larger or J < FEW_LEVELS or (effects + len(part.columns)) * J >= rows.index.size:
                continue
            kind = "interaction" if len(part.variables) > 1 else "predictor"
            what = f"the {kind} `{part.label}` varies within the levels of `{group}`, without a random slope there"
            why = (
                f"if its effect differs between the levels of `{group}`, its standard error is too small and its test "
                "finds too much (Schielzeth & Forstmeier 2009; for interactions Barr 2013)"
            )
            i = next(i for i, b in enumerate(of.bars) if b is own[0])
            bar = Spelled.of(own[0].bar)
            cure = with_bars(of, {i: replace(bar, labels=(*bar.labels, part.label))})
            yield Remark("missing slope", 1, what, why, fit_code(cure))


def _varies(of: Anatomy, part: Part, group: str) -> bool:
    """Whether each variable of a term, and so their product, varies within most levels that have two rows or more."""
    assert of.frame is not None
    rows = of.groups[group]
    several = rows.counts > 1
    if several.sum() < FEW_LEVELS:
        return False
    codes = [_codes(of.frame.variables[v]) for v in part.variables]
    inside = [_values_within(c, rows.index, len(rows.labels)) > 1 for c in codes]
    return bool(np.logical_and.reduce(inside)[several].mean() > 0.5)


def _codes(value: Numeric | Factor) -> np.ndarray:
    if isinstance(value, Factor):
        return value.codes
    array = value.values if value.values.ndim == 1 else value.values[:, 0]
    return np.unique(array, return_inverse=True)[1]


def _values_within(codes: np.ndarray, index: np.ndarray, J: int) -> np.ndarray:
    """(J,): how many values there are in each level."""
    pairs = np.unique(np.column_stack([index, codes]), axis=0)
    return np.bincount(pairs[:, 0], minlength=J)
