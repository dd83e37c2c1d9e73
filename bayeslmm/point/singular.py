"""Is the fit singular, and why: a zero sd, a correlation of +-1, or a combination of effects without variance.

The measure is free of units: the singular values of the whitened factor C' Lambda, where C C' is the mean information
of a level (see `cone`). A value of 1e-4 means a variance 1e-8 of what an average level's own data leave uncertain.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from bayeslmm.likelihood.covariance import sd_and_correlation
from bayeslmm.likelihood.tiny import singular_values
from bayeslmm.point.cone import Block, Cone

TOLERANCE = 1e-4


@dataclass(frozen=True, slots=True)
class Singularity:
    """One reason for a singular fit.

    Attributes
    ----------
    group
        The grouping factor.
    kind
        "zero sd", "correlation" or "combination".
    effects
        The effects concerned.
    sentence
        The reason in words.
    """

    group: str
    kind: str
    effects: tuple[str, ...]
    sentence: str


def singularities(cone: Cone, theta: np.ndarray) -> tuple[Singularity, ...]:
    """Return the reasons why the covariance at theta (m,) is singular; empty where it is not."""
    found: list[Singularity] = []
    for block, X in zip(cone.blocks, cone.whitened(theta), strict=True):
        if singular_values(X)[-1] < TOLERANCE:
            found += _reasons(cone, block, X)
    return tuple(found)


def _reasons(cone: Cone, block: Block, X: np.ndarray) -> list[Singularity]:
    term = cone.covariance.terms[block.term]
    names = [term.effects[i] for i in block.effects]
    factor = block.root @ X
    information = np.linalg.inv(block.root @ block.root.T)
    sd = np.linalg.norm(factor, axis=1)
    zero = sd * np.sqrt(np.diag(information)) < TOLERANCE
    out = [
        Singularity(term.group, "zero sd", (n,), f"the sd of `{n}` between the levels of `{term.group}` is zero")
        for n in np.array(names, dtype=object)[zero]
    ]
    rest = np.flatnonzero(~zero)
    pairs = [
        (a, b) for a, b in combinations(rest, 2) if _is_singular(factor[[a, b]], information[np.ix_([a, b], [a, b])])
    ]
    _, correlation = sd_and_correlation(factor @ factor.T)
    for a, b in pairs:
        sign = "+1" if correlation[a, b] > 0 else "-1"
        sentence = f"the correlation of `{names[a]}` and `{names[b]}` in `{term.group}` is {sign}"
        out.append(Singularity(term.group, "correlation", (names[a], names[b]), sentence))
    tied = {b for _, b in pairs}
    free = [i for i in rest if i not in tied]
    if len(free) > 2 and _is_singular(factor[free], information[np.ix_(free, free)]):
        out.append(_combination(term.group, [names[i] for i in free], factor[free]))
    return out or [_combination(term.group, names, factor)]


def _is_singular(factor: np.ndarray, information: np.ndarray) -> bool:
    return bool(singular_values(np.linalg.cholesky(information).T @ factor)[min(factor.shape) - 1] < TOLERANCE)


def _combination(group: str, names: list[str], factor: np.ndarray) -> Singularity:
    """The combination of effects with the least variance, in the user's units."""
    scale = np.linalg.norm(factor, axis=1)
    left, _, _ = np.linalg.svd(factor / np.where(scale > 0, scale, 1.0)[:, None])
    weights = left[:, -1] / np.where(scale > 0, scale, 1.0)
    weights = weights / weights[np.argmax(np.abs(weights))]
    parts = [f"{w:+.3g} `{n}`" for w, n in zip(weights, names, strict=True) if abs(w) > 1e-6]
    sentence = f"the combination {' '.join(parts)} has no variance between the levels of `{group}`"
    return Singularity(group, "combination", tuple(names), sentence)
