"""Labels of groups that do not mean what they seem to: measurements, and numbers that start anew."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any

import numpy as np

from bayeslmm.design.grouping import combine
from bayeslmm.design.nodes import Name
from bayeslmm.design.values import Numeric
from bayeslmm.explaining.anatomy import Anatomy
from bayeslmm.explaining.relations import is_nested
from bayeslmm.explaining.remarks.remark import Remark, bars, fit_code, with_bars
from bayeslmm.explaining.remarks.replicates import replicates
from bayeslmm.explaining.spelling import Spelled, group_text, written

MANY_VALUES = 100


def numeric_groups(of: Anatomy) -> Iterator[Remark]:
    """A grouping variable of numbers that look like measurements, or of which there are hundreds."""
    assert of.frame is not None
    for variable in {v.label: v for b in of.formula.random for v in b.group.variables}.values():
        if not isinstance(variable.node, Name):
            continue
        name = variable.node.name
        value = of.frame.columns.values[name]
        if not isinstance(value, Numeric):
            continue
        seen = np.unique(value.values[of.frame.rows])
        fractions = bool((seen != np.round(seen)).any())
        if seen.size < MANY_VALUES and not fractions:
            continue
        kind = "numbers with decimals" if fractions else "whole numbers"
        what = f"the grouping factor `{name}` holds {seen.size} different {kind}"
        why = (
            "each number is a group of its own, with no order among them. If it measures something, it belongs into "
            "the fixed part; if it identifies something, turn it into text, and this remark goes away"
        )
        gone = {i: None for i, b in enumerate(of.formula.random) if variable in b.group.variables}
        terms = [t.label for t in of.formula.fixed.terms if t.label != variable.label]
        fixed = ["1" if of.formula.has_intercept else "0", *terms, variable.label]
        left = [b.text() for i, b in enumerate(bars(of)) if i not in gone]
        as_text = f'data.assign(**{{"{name}": data["{name}"].astype(str)}})'
        first, second = fit_code(written(of.formula, left, fixed)), fit_code(of.formula.text, as_text)
        yield Remark("numeric group", 2 if fractions else 1, what, why, f"{first}\n{second}")


def reused_labels(of: Anatomy) -> Iterator[Remark]:
    """A grouping variable whose labels start anew in every level of another: nesting that the labels do not show.

    Labels alone do not tell it from crossed factors. With as many labels everywhere, the response must say so too: a
    variance of combinations and none of labels. With numbers of labels that differ, it must not say the opposite. It
    says nothing where each combination has one row (visits of patients who drop out), and nothing could be fitted then.
    """
    single = [b for b in of.formula.random if len(b.group.variables) == 1]
    combined = [{v.label for v in b.group.variables} for b in of.formula.random if len(b.group.variables) > 1]
    pairs = {b.group.variables[0].label: b for b in single}
    for (inner, bar), (outer, _) in permutations(pairs.items(), 2):
        if {inner, outer} in combined:
            continue
        anew = _starts_anew(of, inner, outer)
        if anew is None:
            continue
        seen = replicates(of, inner, outer)
        if seen is None or seen.crossed or not (anew.sizes_differ or seen.nested):
            continue
        what = f"the labels of `{inner}` start anew in the levels of `{outer}`"
        if seen.nested:
            what += (
                f", and rows with one label are not alike across them: sd {seen.label_sd:.3g} between labels, "
                f"{seen.combination_sd:.3g} between labels within `{outer}`"
            )
        why = (
            f"`({inner})` takes all rows with one label for one {inner}, whatever their `{outer}`. If `{inner}` 1 of "
            "one level is not `1` of another, the model is not what was meant"
        )
        i = of.formula.random.index(bar)
        nested = replace(Spelled.of(bar), group=f"{outer}:{group_text(bar.group)}")
        yield Remark("re-used labels", 2 if anew.sizes_differ else 1, what, why, fit_code(with_bars(of, {i: nested})))


@dataclass(frozen=True, slots=True)
class Anew:
    """Labels are 1 .. k in each level of another factor; whether k differs between them."""

    sizes_differ: bool


def _starts_anew(of: Anatomy, inner: str, outer: str) -> Anew | None:
    """Whether inner labels are 1 .. k in each outer level; None if not, or if one k for all is that of many labels.

    With one k for all the data look like crossed factors, too, and only labels that count and are fewer than the
    levels that they are used in make nesting likely.
    """
    assert of.frame is not None
    one, two = of.frame.groups[inner], of.frame.groups[outer]
    if is_nested(one.codes, two.codes) or is_nested(two.codes, one.codes) or not _counts(one.levels):
        return None
    _, levels = combine([two, one])
    runs = np.split(levels.combinations[:, 1], np.flatnonzero(np.diff(levels.combinations[:, 0])) + 1)
    sizes = {run.size for run in runs}
    order = _ranks(one.levels)
    if any(sorted(order[run]) != list(range(run.size)) for run in runs) or min(sizes) < 2:
        return None
    return Anew(len(sizes) > 1) if len(sizes) > 1 or len(one.levels) < len(two.levels) else None


def _ranks(levels: tuple[str, ...]) -> np.ndarray:
    keys: list[Any] = [int(s) for s in levels] if all(s.isdigit() for s in levels) else list(levels)
    return np.argsort(np.argsort(np.array(keys), kind="stable"), kind="stable")


def _counts(levels: tuple[str, ...]) -> bool:
    """Whether labels count: 1, 2, 3; 0, 1, 2; a, b, c."""
    if all(s.isdigit() for s in levels):
        numbers = sorted(map(int, levels))
        return numbers[0] in (0, 1) and numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    letters = sorted(s.lower() for s in levels)
    return letters == [chr(ord("a") + i) for i in range(min(len(letters), 26))]
