"""The reference distribution of a likelihood-ratio test of variances.

A variance of zero lies on the boundary of its range, where twice the log likelihood ratio is no chi-square. For
independent clusters, and variances that the smaller model keeps away from zero, it is asymptotically

    0.5 chi2(k) + 0.5 chi2(k + 1)      one effect is added to k correlated ones (chi2(0) is zero)

(Self & Liang 1987, cases 5 and 6; Stram & Lee 1994, section 3). A correlation of zero is no boundary: correlations
alone have the plain chi-square. One variance without correlations has a finite-sample distribution (see `rlrt`), from
which the mixture is far where groups are few: exact against no other, and given the other random effects beside them,
crossed ones too. Where several variances are added at once the weights depend on the design, and correlated effects of
crossed factors have no independent clusters: those tests need the parametric bootstrap.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from bayeslmm.design import RandomTerm
from bayeslmm.point.distributions import chi2_p_value

Kind = Literal["same", "correlations", "one effect", "several", "not nested"]
type Block = tuple[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Change:
    """What the larger model has more in its random part.

    Attributes
    ----------
    kind
        "same": nothing; "correlations" alone; "one effect", correlated with `among` others; "several" effects; or the
        smaller model has something that the larger has not.
    among
        k, for "one effect".
    """

    kind: Kind
    among: int = 0


def change(smaller: Sequence[RandomTerm], larger: Sequence[RandomTerm]) -> Change:
    """Compare the random parts of two models by the names of groups and effects."""
    before, after = _blocks(smaller), _blocks(larger)
    gone, new = before - after, after - before
    if not gone and not new:
        return Change("same")
    if {(g, e) for g, block in before for e in block} - {(g, e) for g, block in after for e in block} or any(
        not any(g == h and block <= other for h, other in after) for g, block in before
    ):
        return Change("not nested")
    added = sum(len(block) for _, block in after) - sum(len(block) for _, block in before)
    if added == 0:
        return Change("correlations")
    if added == 1 and len(new) == 1 and len(gone) <= 1:
        return Change("one effect", len(next(iter(new))[1]) - 1)
    return Change("several")


def alone(smaller: Sequence[RandomTerm], larger: Sequence[RandomTerm]) -> RandomTerm:
    """The one uncorrelated effect that the larger model has more, as a term of its own."""
    ((group, block),) = _blocks(larger) - _blocks(smaller)
    (effect,) = block
    term = next(t for t in larger if t.group == group)
    j = term.effects.index(effect)
    return replace(term, effects=(effect,), blocks=((0,),), Z=np.ascontiguousarray(term.Z[:, [j]]))


def _blocks(terms: Sequence[RandomTerm]) -> set[Block]:
    return {(t.group, frozenset(t.effects[j] for j in block)) for t in terms for block in t.blocks}


def mixture_p_value(x: float, k: int) -> float:
    """Upper tail of 0.5 chi2(k) + 0.5 chi2(k + 1)."""
    if x <= 0:
        return 1.0
    return 0.5 * (chi2_p_value(x, k) if k else 0.0) + 0.5 * chi2_p_value(x, k + 1)


def mixture_name(k: int) -> str:
    """The mixture in words."""
    return f"0.5 chi2({k}) + 0.5 chi2({k + 1})"
