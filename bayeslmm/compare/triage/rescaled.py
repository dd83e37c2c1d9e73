"""The same model with the predictors of the random slopes centred, or centred and scaled.

The fixed part of the other design spans the same space, X = X' A, so that beta' = A beta and a function l'beta of the
coefficients as first written is (l'A^-1) beta'. The REML criterion has log|X'V^-1 X| in it, which depends on the basis:
f = f' + 2 log|det A|. An ML deviance does not. With all correlations estimated a change of origin or of units is a
change of basis of the random effects too, and the criterion stays; without them (`||`) another origin is another model.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from bayeslmm.design import Design
from bayeslmm.design.nodes import Name, names_in
from bayeslmm.design.rebuild import given_contrasts, rebuild
from bayeslmm.design.tokens import tokenize
from bayeslmm.design.values import Numeric
from bayeslmm.errors import BayeslmmError


@dataclass(frozen=True, slots=True)
class Rescaled:
    """One rebuilt design.

    Attributes
    ----------
    label
        "centred x", "scaled x".
    design
        The design.
    back
        A^-1 (p, p): beta = A^-1 beta'.
    log_det
        log|det A|.
    """

    label: str
    design: Design
    back: np.ndarray
    log_det: float


def rescaled(design: Design) -> tuple[Rescaled, ...]:
    """The design with all its slope predictors centred, and scaled; none where that cannot be done by name."""
    if design.source is None:
        return ()
    means = _means(design)
    shifted = _shifted(means)
    scaled = {name: f"scale({name})" for name in means}
    made = [_built(design, what, texts) for what, texts in (("centred", shifted), ("scaled", scaled)) if texts]
    return tuple(m for m in made if m is not None)


def centred_formula(design: Design, names: Collection[str]) -> str:
    """The formula with these slope predictors centred, as far as that can be done by name."""
    if design.source is None:
        return design.formula.written
    means = {name: m for name, m in _means(design).items() if name in names}
    return _replaced(design.formula.written, _shifted(means))


def _means(design: Design) -> dict[str, float]:
    """Means of the slope predictors, over the rows that are used."""
    assert design.source is not None
    numbers = {name: design.source.read[name] for name in slope_predictors(design)}
    return {n: float(v.values[design.rows].mean()) for n, v in numbers.items() if isinstance(v, Numeric)}


def _shifted(means: dict[str, float]) -> dict[str, str]:
    return {name: f"I({name} {'-' if m > 0 else '+'} {abs(m):.6g})" for name, m in means.items() if f"{m:.6g}" != "0"}


def slope_predictors(design: Design) -> tuple[str, ...]:
    """Numeric columns that have a random slope, and stand nowhere within a function or a grouping factor."""
    formula = design.formula
    bars = [v for bar in formula.random for v in bar.effects.variables]
    groups = [v for bar in formula.random for v in bar.group.variables]
    every = [*formula.fixed.variables, *bars]
    inside = {n.name for v in every if not isinstance(v.node, Name) for n in names_in(v.node)}
    inside |= {n.name for v in groups for n in names_in(v.node)}
    inside |= {n.name for call in formula.offsets for n in names_in(call)}
    names = dict.fromkeys(v.node.name for v in bars if isinstance(v.node, Name))
    kinds = design.recipe.kinds
    usable = (n for n in names if n not in inside and re.fullmatch(r"[^\W\d]\w*", n))
    return tuple(n for n in usable if n in kinds and kinds[n].kind == "number")


def _built(design: Design, what: str, texts: dict[str, str]) -> Rescaled | None:
    """The design of the formula with these names replaced; None where its fixed part spans another space."""
    assert design.source is not None
    text = _replaced(design.formula.written, texts)
    try:
        other = rebuild(text, design.source, given_contrasts(design), design.recipe.functions)
    except BayeslmmError:
        return None
    if other.X.shape != design.X.shape or not np.array_equal(other.rows, design.rows):
        return None
    A = np.linalg.lstsq(other.X, design.X, rcond=None)[0]
    size = np.abs(design.X).max(initial=1.0)
    if design.p and np.abs(other.X @ A - design.X).max() > 1e-8 * size:
        return None
    return Rescaled(f"{what} {', '.join(texts)}", other, np.linalg.inv(A), float(np.linalg.slogdet(A)[1]))


def _replaced(text: str, texts: dict[str, str]) -> str:
    """Replace names wherever they stand right of the `~`."""
    tokens = tokenize(text)
    start = next(t.position for t in tokens if t.text == "~")
    for token in reversed([t for t in tokens if t.kind == "name" and t.text in texts and t.position > start]):
        text = text[: token.position] + texts[token.text] + text[token.position + len(token.text) :]
    return text
