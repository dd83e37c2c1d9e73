"""The models that arise when one random term is taken away: what `ranova` tests.

As lmerTest does it: of `(x1 + x2 | g)` each term that no other contains is taken out in turn; `(x | g)` and
`(0 + x | g)` become `(1 | g)`; `(1 | g)` goes altogether. `(x || g)` is `(1 | g) + (0 + x | g)`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from bayeslmm.design.bars import Bar
from bayeslmm.design.design import Design, RandomTerm
from bayeslmm.design.matrices import INTERCEPT, needs_contrasts
from bayeslmm.errors import NotAvailableError


@dataclass(frozen=True, slots=True)
class Deletion:
    """One model with less in its random part.

    Attributes
    ----------
    label
        What was taken away, as lmerTest writes it: `Days in (Days | Subject)`, `(1 | Subject)`.
    terms
        The random terms that are left.
    """

    label: str
    terms: tuple[RandomTerm, ...]


def deletions(design: Design) -> tuple[Deletion, ...]:
    """Return the single-term deletions of the random part, in the order of the formula."""
    return tuple(d for bar in design.formula.random for d in _of_bar(design, bar))


def _of_bar(design: Design, bar: Bar) -> Iterator[Deletion]:
    recipes = design.recipe.terms
    t = next(i for i, r in enumerate(recipes) if bar in r.bars)
    own = recipes[t].bars.index(bar)
    labels = [term.label for term in bar.effects.terms]
    if bar.correlated or len(labels) + bar.effects.has_intercept < 2:
        if not labels:
            yield Deletion(f"({bar.text})", _without(design, t, own, {0}, intercept=False))
        for i in _droppable(bar):
            _check_coding(design, bar, i)
            alone = len(labels) == 1
            rest = _without(design, t, own, {i + 1}, intercept=alone and not bar.effects.has_intercept)
            yield Deletion(f"{labels[i]} in ({bar.text})", rest)
        return
    group = bar.group.name
    if bar.effects.has_intercept:
        yield Deletion(f"(1 | {group})", _without(design, t, own, {0}, intercept=False))
    for i, label in enumerate(labels):
        rest = _without(design, t, own, {i + 1}, intercept=not bar.effects.has_intercept)
        yield Deletion(f"{label} in (0 + {label} | {group})", rest)


def _droppable(bar: Bar) -> list[int]:
    """Positions of the terms that no other term contains."""
    sets = [frozenset(term.variables) for term in bar.effects.terms]
    return [i for i, own in enumerate(sets) if not any(own < other for other in sets)]


def _check_coding(design: Design, bar: Bar, position: int) -> None:
    """Refuse where the columns of what is left would have to be coded anew."""
    side = bar.effects
    factors = frozenset(design.recipe.levels)
    before = dict(zip(side.terms, needs_contrasts(side, factors), strict=True))
    left = replace(side, terms=tuple(term for i, term in enumerate(side.terms) if i != position))
    after = dict(zip(left.terms, needs_contrasts(left, factors), strict=True))
    changed = [term.label for term in left.terms if before[term] != after[term]]
    if changed:
        raise NotAvailableError(
            f"({bar.text}): without `{side.terms[position].label}` the factor `{changed[0]}` would be coded by other "
            "columns; fit the smaller model with blm.lmer and compare: fit.anova(smaller)"
        )


def _without(design: Design, t: int, bar: int, gone: set[int], intercept: bool) -> tuple[RandomTerm, ...]:
    """The terms without the effects of one bar's terms `gone`; with an intercept in their place where asked for."""
    term, assign = design.terms[t], design.recipe.terms[t].assign
    kept = [j for j, (b, a) in enumerate(assign) if b != bar or a not in gone]
    at = {j: i for i, j in enumerate(kept)}
    blocks = tuple(own for block in term.blocks if (own := tuple(at[j] for j in block if j in at)))
    Z, effects = term.Z[:, kept], tuple(term.effects[j] for j in kept)
    if intercept and INTERCEPT not in effects:
        Z, blocks = np.column_stack([Z, np.ones(design.n)]), (*blocks, (len(kept),))
        effects = (*effects, INTERCEPT)
    new = replace(term, effects=effects, blocks=blocks, Z=np.ascontiguousarray(Z))
    return tuple(new if i == t else other for i, other in enumerate(design.terms) if i != t or effects)
