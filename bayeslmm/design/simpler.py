"""Simpler random parts of a formula: without correlations, without a slope, without a whole bar.

A random part is described by what is kept of each bar, and becomes random terms and a formula again. The rows and the
columns stay those of the design, so that all models are nested in it and can be compared.
"""

from dataclasses import dataclass, replace

import numpy as np

from bayeslmm.design.bars import Bar
from bayeslmm.design.design import Design, RandomTerm
from bayeslmm.design.formula import Formula
from bayeslmm.design.matrices import needs_contrasts
from bayeslmm.design.nodes import deparse


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of one bar: numbers of its terms (0 is the intercept, none: the bar is gone), and correlations."""

    terms: tuple[int, ...]
    correlated: bool


type RandomPart = tuple[Kept, ...]


@dataclass(frozen=True, slots=True)
class Simpler:
    """One model with less in its random part.

    Attributes
    ----------
    kind
        "no correlation", "no slope" or "no term".
    label
        What is left of the bar, `(1 + x || g)`, or what was taken away, `without (1 | g)`.
    part
        What is kept of each bar.
    """

    kind: str
    label: str
    part: RandomPart


def whole(formula: Formula) -> RandomPart:
    """The random part as it was written."""
    return tuple(Kept(_numbers(bar), bar.correlated) for bar in formula.random)


def simpler_parts(formula: Formula, factors: frozenset[str]) -> tuple[Simpler, ...]:
    """Each bar without its correlations, without each slope, with its intercept alone, and gone.

    Parameters
    ----------
    formula
        As written; slopes that another term of the bar contains stay, and so do those without which a factor would be
        coded by other columns.
    factors
        Names of the categorical variables.
    """
    full = whole(formula)
    found: list[Simpler] = []
    for b, (bar, own) in enumerate(zip(formula.random, full, strict=True)):
        several = len(own.terms) > 1 or _is_factor(bar, own, factors)
        if own.correlated and several:
            found.append(_changed(formula, full, b, Kept(own.terms, False), "no correlation"))
        slopes = [i for i in own.terms if i]
        for left in [*(_less(own, i) for i in slopes), Kept((0,), own.correlated)]:
            part = _put(full, b, left)
            new = left.terms and left.terms != own.terms and all(part != s.part for s in found)
            if new and set(left.terms) <= set(own.terms) and _whole_columns(bar, left, factors):
                found.append(_changed(formula, full, b, left, "no slope"))
    bars = range(len(full))
    if sum(s.kind == "no correlation" for s in found) > 1:
        every = tuple(Kept(k.terms, False) for k in full)
        found.append(Simpler("no correlation", "no correlation anywhere", every))
    gone = [Simpler("no term", f"without ({formula.random[b].text})", _put(full, b, Kept((), False))) for b in bars]
    return (*found, *gone)


def without_effect(
    design: Design, part: RandomPart, group: str, effect: str, factors: frozenset[str]
) -> RandomPart | None:
    """The part without the term that an effect is a column of, or without the largest one that contains this term.

    An intercept goes after all slopes: without it their variance would depend on where the predictor is zero. None
    where the columns of the others would change.
    """
    formula = design.formula
    where = next(t for t, term in enumerate(design.terms) if term.group == group)
    recipe = design.recipe.terms[where]
    own_bar, number = recipe.assign[design.terms[where].effects.index(effect)]
    b = formula.random.index(recipe.bars[own_bar])
    containing = _containing(formula.random[b], part[b], number)
    for candidate in (number, *containing) if number or not containing else containing:
        left = _less(part[b], candidate)
        if _whole_columns(formula.random[b], left, factors):
            return _put(part, b, left)
    return None


def _containing(bar: Bar, kept: Kept, number: int) -> list[int]:
    """Numbers of the terms that contain a term (all contain the intercept), the largest first."""
    variables = {i: set(bar.effects.terms[i - 1].variables) if i else set() for i in kept.terms}
    return sorted((i for i in kept.terms if variables[number] < variables[i]), key=lambda i: -len(variables[i]))


def uncorrelated(formula: Formula, part: RandomPart, group: str) -> RandomPart:
    """The part without the correlations of one group."""
    pairs = zip(formula.random, part, strict=True)
    return tuple(replace(k, correlated=False) if bar.group.name == group else k for bar, k in pairs)


def random_terms_of(design: Design, part: RandomPart) -> tuple[RandomTerm, ...]:
    """The random terms of a part, from the columns of the design."""
    kept_of = dict(zip(design.formula.random, part, strict=True))
    found = []
    for term, recipe in zip(design.terms, design.recipe.terms, strict=True):
        bars = [kept_of[bar] for bar in recipe.bars]
        columns = [j for j, (b, a) in enumerate(recipe.assign) if a in bars[b].terms]
        at = {j: i for i, j in enumerate(columns)}
        blocks: list[tuple[int, ...]] = []
        for block in term.blocks:
            own = tuple(at[j] for j in block if j in at)
            together = bars[recipe.assign[block[0]][0]].correlated
            blocks += ([own] if own else []) if together else [(i,) for i in own]
        if columns:
            Z, effects = np.ascontiguousarray(term.Z[:, columns]), tuple(term.effects[j] for j in columns)
            found.append(replace(term, effects=effects, blocks=tuple(blocks), Z=Z))
    return tuple(found)


def written(formula: Formula, part: RandomPart) -> str:
    """The formula with this random part."""
    fixed = [t.label for t in formula.fixed.terms] + [deparse(call) for call in formula.offsets]
    start = ["0"] if not formula.has_intercept else [] if formula.fixed.terms else ["1"]
    bars = [f"({_bar(bar, kept)})" for bar, kept in zip(formula.random, part, strict=True) if kept.terms]
    return f"{formula.response.label} ~ {' + '.join([*start, *fixed, *bars])}"


def _numbers(bar: Bar) -> tuple[int, ...]:
    slopes = range(1, len(bar.effects.terms) + 1)
    return (0, *slopes) if bar.effects.has_intercept else tuple(slopes)


def _is_factor(bar: Bar, kept: Kept, factors: frozenset[str]) -> bool:
    """Whether a single term has several columns."""
    return any(i and set(bar.effects.terms[i - 1].variables) & factors for i in kept.terms)


def _less(kept: Kept, number: int) -> Kept:
    return replace(kept, terms=tuple(i for i in kept.terms if i != number))


def _put(part: RandomPart, b: int, kept: Kept) -> RandomPart:
    return tuple(kept if i == b else old for i, old in enumerate(part))


def _changed(formula: Formula, full: RandomPart, b: int, kept: Kept, kind: str) -> Simpler:
    return Simpler(kind, f"({_bar(formula.random[b], kept)})", _put(full, b, kept))


def _whole_columns(bar: Bar, left: Kept, factors: frozenset[str]) -> bool:
    """Whether what is left contains all that it needs: no term without those that it contains, no other coding."""
    side, kept = bar.effects, [bar.effects.terms[i - 1] for i in left.terms if i]
    gone = [t for t in side.terms if t not in kept]
    if any(set(g.variables) < set(k.variables) for g in gone for k in kept):
        return False
    smaller = replace(side, terms=tuple(kept), has_intercept=0 in left.terms)
    before = dict(zip(side.terms, needs_contrasts(side, factors), strict=True))
    after = dict(zip(smaller.terms, needs_contrasts(smaller, factors), strict=True))
    return all(before[t] == after[t] for t in kept)


def _bar(bar: Bar, kept: Kept) -> str:
    """A bar's text with what is kept of it."""
    if kept == Kept(_numbers(bar), bar.correlated):
        return bar.text
    labels = [bar.effects.terms[i - 1].label for i in kept.terms if i]
    inside = " + ".join(["1" if 0 in kept.terms else "0", *labels])
    return f"{inside} {'|' if kept.correlated or (not labels) else '||'} {bar.group.name}"
