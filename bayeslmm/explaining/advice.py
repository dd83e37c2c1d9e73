"""Where formula and data do not fit: what was seen, why it matters, and the cure as code that runs.

Each check yields a `Remark` for every place where it sees something. How much it matters: 2, what is estimated is not
what was meant; 1, worth a thought. In the code, `data` is the frame that was given.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import permutations
from textwrap import indent, wrap
from typing import Any

import numpy as np
import pandas as pd

from bayeslmm.design.grouping import combine
from bayeslmm.design.matrices import INTERCEPT
from bayeslmm.design.nodes import Name, names_in
from bayeslmm.design.values import Factor, Numeric
from bayeslmm.explaining.anatomy import Anatomy, BarParts, Part
from bayeslmm.explaining.relations import is_nested
from bayeslmm.explaining.spelling import Spelled, group_text, written
from bayeslmm.results.frames import preformatted

FEW_LEVELS, MANY_VALUES, FAR, OUTSIDE = 5, 100, 20.0, 2.0
COLUMNS = ["check", "severity", "what", "why", "cure"]


@dataclass(frozen=True, slots=True)
class Remark:
    """One line of advice: `what` was seen, `why` it matters, the `cure` as code."""

    check: str
    severity: int
    what: str
    why: str
    cure: str


@dataclass(frozen=True, repr=False)
class Advice:
    """What `blm.advise` returns; `print` it, or take `.table`.

    Attributes
    ----------
    table
        DataFrame, most important first: `check`, `severity` (3, the model cannot be fitted; 2, it is not what was
        meant; 1, worth a thought), `what` was seen, `why` it matters, `cure` as code that runs with the frame
        as `data`.
    """

    table: pd.DataFrame

    @property
    def ok(self) -> bool:
        """Whether there is nothing to say."""
        return self.table.empty

    def __len__(self) -> int:
        return len(self.table)

    def __str__(self) -> str:
        if self.ok:
            return "nothing to advise: formula and data fit"
        return "\n\n".join(_block(str(r.what), str(r.why), str(r.cure)) for r in self.table.itertuples())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return preformatted(str(self))


def _block(what: str, why: str, cure: str) -> str:
    lines = [*wrap(f"* {what}", 100, subsequent_indent="  ", break_long_words=False)]
    lines += wrap(f"{why}.", 100, initial_indent="  ", subsequent_indent="  ", break_long_words=False)
    return "\n".join([*lines, indent(cure, "  -> ")])


def advice(of: Anatomy) -> Advice:
    """Run every check; without data there is nothing to see."""
    found: list[Remark] = []
    if of.frame is not None:
        found = [remark for check in CHECKS for remark in check(of)]
        if of.problem and not any(r.severity == 3 for r in found):
            first = of.problem.splitlines()[0]
            why = "bayeslmm refuses to fit what the data cannot tell apart"
            found.append(Remark("refused", 3, f"the model cannot be fitted: {first}", why, _explain(of)))
    found.sort(key=lambda r: -r.severity)
    return Advice(pd.DataFrame([asdict(r) for r in found], columns=COLUMNS))


def _explain(of: Anatomy) -> str:
    return f"blm.explain({of.formula.text!r}, data)"


def _lmer(formula: str, data: str = "data") -> str:
    verb = "lmer" if "|" in formula else "lm"
    return f"blm.{verb}({formula!r}, {data})"


def _bars(of: Anatomy) -> list[Spelled]:
    return [Spelled.of(bar) for bar in of.formula.random]


def _with(of: Anatomy, changed: dict[int, Spelled | None]) -> str:
    """The formula with some bars changed, or left out."""
    bars = [changed.get(i, b) for i, b in enumerate(_bars(of))]
    return written(of.formula, [b.text() for b in bars if b is not None])


# -- random slopes ----------------------------------------------------------------------------------------------------


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
            yield Remark("constant slope", 2, what, why, _lmer(_with(of, {i: _less(b, part)})))


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
            yield Remark(
                "missing slope", 1, what, why, _lmer(_with(of, {i: replace(bar, labels=(*bar.labels, part.label))}))
            )


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


# -- predictors -------------------------------------------------------------------------------------------------------


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
        return Remark("far from zero", 2 if ratio > FAR else 1, what, why, _explain(of))
    shifted = f'data.assign(**{{"{name}": data["{name}"] - {centre}}})'
    return Remark("far from zero", 2 if ratio > FAR else 1, what, why, _lmer(of.formula.text, shifted))


def _column(of: Anatomy, label: str) -> str | None:
    """The column behind a variable."""
    variables = [*of.formula.fixed.variables, *(v for b in of.formula.random for v in b.effects.variables)]
    node = next(v.node for v in variables if v.label == label)
    names = [n.name for n in names_in(node)]
    return names[0] if len(names) == 1 else None


# -- groups -----------------------------------------------------------------------------------------------------------


def few_levels(of: Anatomy) -> Iterator[Remark]:
    """A grouping factor with fewer than five levels."""
    for group, rows in of.groups.items():
        J = len(rows.labels)
        if 1 < J < FEW_LEVELS:
            what = f"the grouping factor `{group}` has {J} levels"
            why = (
                f"a variance between {J} levels is known hardly better than its order of magnitude, and is often "
                "estimated as zero; a prior helps, or the levels as fixed effects, if they are all there are"
            )
            yield Remark("few levels", 1, what, why, f"blm.brm({of.formula.text!r}, data)\n{_as_fixed(of, group)}")


def _as_fixed(of: Anatomy, group: str) -> str:
    bars = [Spelled.of(b).text() for b in of.formula.random if b.group.name != group]
    factor = ":".join(f"factor({v.label})" for v in of.bars_of(group)[0].bar.group.variables)
    fixed = ["1" if of.formula.has_intercept else "0", *(t.label for t in of.formula.fixed.terms), factor]
    return _lmer(written(of.formula, bars, fixed))


def one_row_levels(of: Anatomy) -> Iterator[Remark]:
    """A grouping factor most of whose levels have one row."""
    for group, rows in of.groups.items():
        J, single = len(rows.labels), int((rows.counts == 1).sum())
        if J < 2 or single <= J / 2:
            continue
        every = single == J
        what = f"{'each' if every else f'{single}'} of the {J} levels of `{group}` has one row"
        if every:
            why = "the variance between its levels could not be told from the residual's, and the model is refused"
        else:
            why = "what tells the variance between levels from that within are the levels with several rows alone"
        gone = {i: None for i, b in enumerate(of.formula.random) if b.group.name == group}
        yield Remark("one row per level", 3 if every else 1, what, why, _lmer(_with(of, dict(gone))))


def one_level(of: Anatomy) -> Iterator[Remark]:
    """A grouping factor with one level."""
    for group, rows in of.groups.items():
        if len(rows.labels) == 1:
            what = f"the grouping factor `{group}` has one level, `{rows.labels[0]}`, in the rows used"
            gone = {i: None for i, b in enumerate(of.formula.random) if b.group.name == group}
            why = "a variance between levels needs at least two"
            yield Remark("one level", 3, what, why, _lmer(_with(of, dict(gone))))


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
        bars = [b.text() for i, b in enumerate(_bars(of)) if i not in gone]
        as_text = f'data.assign(**{{"{name}": data["{name}"].astype(str)}})'
        first, second = _lmer(written(of.formula, bars, fixed)), _lmer(of.formula.text, as_text)
        yield Remark("numeric group", 2 if fractions else 1, what, why, f"{first}\n{second}")


def reused_labels(of: Anatomy) -> Iterator[Remark]:
    """A grouping variable whose labels start anew in every level of another: nesting that the labels do not show."""
    single = [b for b in of.formula.random if len(b.group.variables) == 1]
    combined = [{v.label for v in b.group.variables} for b in of.formula.random if len(b.group.variables) > 1]
    pairs = {b.group.variables[0].label: b for b in single}
    for (inner, bar), (outer, _) in permutations(pairs.items(), 2):
        if {inner, outer} in combined:
            continue
        certain = _starts_anew(of, inner, outer)
        if certain is None:
            continue
        what = f"the labels of `{inner}` start anew in the levels of `{outer}`"
        why = (
            f"`({inner})` takes all rows with one label for one {inner}, whatever their `{outer}`. If `{inner}` 1 of "
            "one level is not `1` of another, the model is not what was meant"
        )
        i = of.formula.random.index(bar)
        nested = replace(Spelled.of(bar), group=f"{outer}:{group_text(bar.group)}")
        yield Remark("re-used labels", 2 if certain else 1, what, why, _lmer(_with(of, {i: nested})))


def _starts_anew(of: Anatomy, inner: str, outer: str) -> bool | None:
    """Whether inner labels are 1 .. k in each outer level: True with k that differs, False with one k, None if not.

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
    if len(sizes) > 1:
        return True
    return False if len(one.levels) < len(two.levels) else None


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


CHECKS: tuple[Callable[[Anatomy], Iterator[Remark]], ...] = (
    one_level,
    one_row_levels,
    constant_slopes,
    reused_labels,
    numeric_groups,
    far_from_zero,
    few_levels,
    missing_slopes,
)
