"""Formulas written anew: the same model in other words, or one with a term more or less."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bayeslmm.design.bars import Bar, Group
from bayeslmm.design.formula import Formula
from bayeslmm.design.nodes import deparse
from bayeslmm.explaining.anatomy import Anatomy
from bayeslmm.explaining.relations import is_nested


@dataclass(frozen=True, slots=True)
class Spelled:
    """One bar as it is written: `(intercept + labels | group)`."""

    intercept: bool
    labels: tuple[str, ...]
    group: str
    correlated: bool = True

    @classmethod
    def of(cls, bar: Bar) -> "Spelled":
        """The bar of a formula."""
        labels = tuple(t.label for t in bar.effects.terms)
        return cls(bar.effects.has_intercept, labels, group_text(bar.group), bar.correlated)

    def text(self, short: bool = False) -> str:
        """The bar in parentheses; `short` leaves out a `1` that goes without saying."""
        first = [] if short and self.intercept and self.labels else ["1" if self.intercept else "0"]
        return f"({' + '.join([*first, *self.labels])} {'|' if self.correlated else '||'} {self.group})"


def group_text(group: Group) -> str:
    """A grouping factor as it can be typed."""
    return ":".join(v.label for v in group.variables)


def written(formula: Formula, bars: Sequence[str] | None = None, fixed: Sequence[str] | None = None) -> str:
    """The formula with these bars and these fixed terms in place of its own."""
    if fixed is None:
        fixed = ["1" if formula.has_intercept else "0", *(t.label for t in formula.fixed.terms)]
    if bars is None:
        bars = [Spelled.of(bar).text() for bar in formula.random]
    offsets = [deparse(call) for call in formula.offsets]
    return f"{formula.response.label} ~ {' + '.join([*fixed, *offsets, *bars])}"


def spellings(of: Anatomy) -> list[tuple[str, str]]:
    """Other formulas that say the same, each with what makes it the same."""
    formula = of.formula
    bars = [Spelled.of(bar) for bar in formula.random]
    found = [(written(formula), "everything written out")]
    found += _short(formula, bars)
    found += _star(formula, bars)
    found += _apart(of, bars)
    found += _double_bar(of, bars)
    found += _slash(formula, bars)
    found += _unique_labels(of, bars)
    seen = {_bare(formula.text)}
    out = []
    for text, why in found:
        if _bare(text) not in seen:
            seen.add(_bare(text))
            out.append((text, why))
    return out


def _bare(text: str) -> str:
    return "".join(text.split())


def _short(formula: Formula, bars: list[Spelled]) -> list[tuple[str, str]]:
    labels = [t.label for t in formula.fixed.terms]
    fixed = labels if formula.has_intercept and labels else ["1" if formula.has_intercept else "0", *labels]
    return [(written(formula, [b.text(short=True) for b in bars], fixed), "intercepts go without saying")]


def _star(formula: Formula, bars: list[Spelled]) -> list[tuple[str, str]]:
    labels = [t.label for t in formula.fixed.terms]
    pairs = [t for t in formula.fixed.terms if len(t.variables) == 2]
    for pair in pairs:
        a, b = pair.variables
        if len(pairs) == 1 and a in labels and b in labels:
            rest = [x for x in labels if x not in (a, b, pair.label)]
            start = [] if formula.has_intercept else ["0"]
            text = written(formula, [x.text(short=True) for x in bars], [*start, f"{a} * {b}", *rest])
            return [(text, f"`{a} * {b}` is `{a} + {b} + {a}:{b}`")] if formula.has_intercept else []
    return []


def _apart(of: Anatomy, bars: list[Spelled]) -> list[tuple[str, str]]:
    """`(x || g)` as bars of their own; not for factors, whose columns one bar would correlate."""
    out: list[str] = []
    changed = False
    for bar, b in zip(of.formula.random, bars, strict=True):
        numeric = all(of.is_number(v) for t in bar.effects.terms for v in t.variables)
        if b.correlated or len(b.labels) + b.intercept < 2 or not numeric or _several_columns(of, bar):
            out.append(b.text())
            continue
        changed = True
        out += [Spelled(True, (), b.group).text()] if b.intercept else []
        out += [Spelled(False, (label,), b.group).text() for label in b.labels]
    return [(written(of.formula, out), "`||` is one bar for each effect")] if changed else []


def _several_columns(of: Anatomy, bar: Bar) -> bool:
    return any(len(p.columns) > 1 for b in of.bars if b.bar is bar for p in b.parts)


def _double_bar(of: Anatomy, bars: list[Spelled]) -> list[tuple[str, str]]:
    """Bars of one effect each, of the same group, as one with `||`."""
    out: list[str] = []
    changed = False
    for group in dict.fromkeys(b.group for b in bars):
        own = [(bar, b) for bar, b in zip(of.formula.random, bars, strict=True) if b.group == group]
        single = all(len(b.labels) + b.intercept == 1 and not _several_columns(of, bar) for bar, b in own)
        numeric = all(of.is_number(v) for bar, _ in own for t in bar.effects.terms for v in t.variables)
        if len(own) > 1 and single and numeric:
            labels = tuple(label for _, b in own for label in b.labels)
            out.append(Spelled(any(b.intercept for _, b in own), labels, group, correlated=False).text())
            changed = True
        else:
            out += [b.text() for _, b in own]
    return [(written(of.formula, out), "effects of one group without correlations")] if changed else []


def _slash(formula: Formula, bars: list[Spelled]) -> list[tuple[str, str]]:
    """`(e | a) + (e | b:a)` as `(e | a/b)`, and the other way."""
    found = []
    for i, (inner, b) in enumerate(zip(formula.random, bars, strict=True)):
        for j, (outer, a) in enumerate(zip(formula.random, bars, strict=True)):
            variables = [v.label for v in inner.group.variables]
            if len(variables) != 2 or len(outer.group.variables) != 1 or a.group not in variables:
                continue
            if (a.intercept, a.labels, a.correlated) != (b.intercept, b.labels, b.correlated):
                continue
            rest = next(v for v in variables if v != a.group)
            slash = replace(a, group=f"{a.group}/{rest}").text()
            others = [x.text() for k, x in enumerate(bars) if k not in (i, j)]
            why = f"`{a.group}/{rest}` is `{a.group}` and `{a.group}:{rest}`"
            found.append((written(formula, [slash, *others]), why))
            found.append((written(formula, [a.text(), replace(b, group=f"{a.group}:{rest}").text(), *others]), why))
    return found


def _unique_labels(of: Anatomy, bars: list[Spelled]) -> list[tuple[str, str]]:
    """`a:b` as `b`, and `b` as `a:b`, where every label of b belongs to one level of a."""
    if of.frame is None:
        return []
    found = []
    single = [bar.group.variables[0] for bar in of.formula.random if len(bar.group.variables) == 1]
    for i, (bar, b) in enumerate(zip(of.formula.random, bars, strict=True)):
        variables = [v.label for v in bar.group.variables]
        groups = of.frame.groups
        others = [x.text() for x in bars]
        if len(variables) == 2:
            for inner, outer in (variables, variables[::-1]):
                if is_nested(groups[inner].codes, groups[outer].codes) and len(groups[inner].levels) > 1:
                    others[i] = replace(b, group=inner).text()
                    why = f"in these data every label of `{inner}` belongs to one level of `{outer}`"
                    found.append((written(of.formula, others), why))
                    break
        elif len(variables) == 1:
            for outer_variable in single:
                outer = outer_variable.label
                if outer != b.group and is_nested(groups[b.group].codes, groups[outer].codes):
                    others[i] = replace(b, group=f"{outer}:{b.group}").text()
                    why = f"nesting written out: every label of `{b.group}` belongs to one level of `{outer}`"
                    found.append((written(of.formula, others), why))
                    break
    return found
