"""How grouping factors lie to each other in the data: nested, crossed, the same; explicit and implicit nesting."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from bayeslmm.design.grouping import combine
from bayeslmm.design.values import Factor
from bayeslmm.explaining.anatomy import Anatomy

COLUMNS = ["first", "relation", "second", "seen"]


@dataclass(frozen=True, slots=True)
class Relation:
    """How two grouping factors lie: `first` `relation` `second`, and what shows it."""

    first: str
    relation: str
    second: str
    seen: str


def is_nested(inner: np.ndarray, outer: np.ndarray) -> bool:
    """Whether all rows of a level of `inner` (n,) have one level of `outer` (n,)."""
    first = np.zeros(int(inner.max()) + 1, dtype=outer.dtype)
    first[inner] = outer
    return bool((first[inner] == outer).all())


def relations(of: Anatomy) -> pd.DataFrame:
    """Every pair of the formula's grouping variables, and of its grouping factors."""
    found = [] if of.frame is None else [*_variables(of), *_factors(of)]
    return pd.DataFrame([[r.first, r.relation, r.second, r.seen] for r in found], columns=COLUMNS)


def _variables(of: Anatomy) -> Iterator[Relation]:
    """Pairs of columns that stand right of a bar."""
    assert of.frame is not None
    for a, b in combinations(of.frame.groups, 2):
        yield between(a, of.frame.groups[a], b, of.frame.groups[b])


def _factors(of: Anatomy) -> Iterator[Relation]:
    """Combinations, which are nested in what they combine."""
    assert of.frame is not None
    for (a, rows_a), (b, rows_b) in combinations(of.groups.items(), 2):
        if a in of.frame.groups and b in of.frame.groups:
            continue
        one, two = Factor(rows_a.index, rows_a.labels), Factor(rows_b.index, rows_b.labels)
        yield between(a, one, b, two)


def between(a: str, one: Factor, b: str, two: Factor) -> Relation:
    """How two factors without missing values lie to each other."""
    a_in_b, b_in_a = is_nested(one.codes, two.codes), is_nested(two.codes, one.codes)
    J, K = len(one.levels), len(two.levels)
    if a_in_b and b_in_a:
        return Relation(a, "is the same as", b, f"both split the rows into the same {J} groups")
    if a_in_b:
        return Relation(a, "is nested in", b, _nested(a, J, b, K))
    if b_in_a:
        return Relation(b, "is nested in", a, _nested(b, K, a, J))
    occurring = len(combine([one, two])[1].labels)
    whole = "all" if occurring == J * K else f"{occurring} of"
    return Relation(a, "crosses", b, f"{whole} {J * K} combinations occur")


def _nested(inner: str, J: int, outer: str, K: int) -> str:
    return f"each of the {J} levels of `{inner}` occurs in one of the {K} levels of `{outer}` only"


def nesting(of: Anatomy) -> list[str]:
    """For each combination right of a bar whether it says more than its parts: explicit and implicit nesting."""
    if of.frame is None:
        return []
    sentences = []
    for bar in of.formula.random:
        variables = [v.label for v in bar.group.variables]
        if len(variables) != 2:
            continue
        sentence = _sentence(of, bar.group.name, variables[0], variables[1])
        if sentence not in sentences:
            sentences.append(sentence)
    return sentences


def _sentence(of: Anatomy, group: str, a: str, b: str) -> str:
    assert of.frame is not None
    groups = of.frame.groups
    for inner, outer in ((a, b), (b, a)):
        if is_nested(groups[inner].codes, groups[outer].codes):
            return (
                f"`{group}` has the same levels as `{inner}`: no label of `{inner}` is used in two of `{outer}`, "
                f"so that the nesting is in the labels already, and `({inner})` would say the same"
            )
    alone = {g.variables[0].label for g in (x.group for x in of.formula.random) if len(g.variables) == 1}
    inner, outer = (a, b) if b in alone and a not in alone else (b, a)
    shared = shared_labels(groups[inner], groups[outer])
    return (
        f"`{group}` says more than `{inner}`: {shared} of its {len(groups[inner].levels)} labels occur in more than "
        f"one level of `{outer}`, and `({inner})` alone would take rows with the same label for the same {inner}"
    )


def shared_labels(inner: Factor, outer: Factor) -> int:
    """How many labels of one factor occur in more than one level of another."""
    _, levels = combine([inner, outer])
    return int((np.bincount(levels.combinations[:, 0]) > 1).sum())
