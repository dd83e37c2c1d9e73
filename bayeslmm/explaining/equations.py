"""The equations of a model: by levels, combined, and the distributions.

    combined    y_i = offset_i + sum_j beta_j x_ij + sum_t sum_k u_tk[g_t(i)] z_tik + e_i
    level 1     y_i = offset_i + sum over effects that vary of alpha_i z_i + sum over all others of beta_j x_ij + e_i
    level 2     alpha_i = beta + sum over predictors of the groups of beta_j w_j + sum over groups of u[g(i)]

A fixed column stands at level 2 where the data show it to be one of the groups, or the product of one of them and of
a column whose slope varies there (Raudenbush & Bryk 2002, section 2.2).
"""

from dataclasses import dataclass

from bayeslmm.design.matrices import INTERCEPT
from bayeslmm.design.nodes import deparse
from bayeslmm.explaining.anatomy import Anatomy, Part
from bayeslmm.explaining.pens import Pen

LETTERS = "uvwrst"
SHOWN = 6


@dataclass(frozen=True, slots=True)
class Fixed:
    """Coefficient j of one column; `run` is the number of its term, for terms of many columns."""

    j: int
    column: str
    run: int


@dataclass(frozen=True, slots=True)
class Random:
    """Effect j of a group, and the column that it multiplies."""

    letter: str
    j: int
    group: str
    column: str


@dataclass(frozen=True, slots=True)
class Layout:
    """Which coefficient stands where.

    Attributes
    ----------
    fixed
        The coefficients.
    random
        The effects of all bars.
    blocks
        Effects that vary together, bar by bar: (letter, positions, group).
    varying
        Columns whose coefficient varies between groups, by first appearance.
    upper
        By coefficient that stands at level 2: the varying column that it belongs to, and what multiplies it there.
    """

    fixed: tuple[Fixed, ...]
    random: tuple[Random, ...]
    blocks: tuple[tuple[str, tuple[int, ...], str], ...]
    varying: tuple[str, ...]
    upper: dict[int, tuple[str, str]]


def layout(of: Anatomy) -> Layout:
    """Give every coefficient its number, its letter and its level."""
    start = 0 if of.formula.has_intercept else 1
    pairs = [(run, c) for run, part in enumerate(of.fixed) for c in part.columns]
    fixed = tuple(Fixed(start + i, c, run) for i, (run, c) in enumerate(pairs))
    random: list[Random] = []
    blocks: list[tuple[str, tuple[int, ...], str]] = []
    counts: dict[str, int] = {}
    apart = {(t.group, e) for t in of.design.terms for e in t.apart} if of.design else set()
    for b in of.bars:
        group = b.bar.group.name
        letter = letter_of(of, group)
        at = counts.get(group, 0 if INTERCEPT in b.effects else 1)
        positions = tuple(range(at, at + len(b.effects)))
        counts[group] = at + len(b.effects)
        named = [f"{e} | {group}" if (group, e) in apart else e for e in b.effects]
        random += [Random(letter, j, group, c) for j, c in zip(positions, named, strict=True)]
        blocks += [(letter, positions, group)] if b.bar.correlated else [(letter, (j,), group) for j in positions]
    varying = tuple(dict.fromkeys(r.column for r in random))
    return Layout(fixed, tuple(random), tuple(blocks), varying, _upper(of, fixed, varying))


def letter_of(of: Anatomy, group: str) -> str:
    """The letter of a group's effects."""
    position = of.formula.groups.index(group)
    return LETTERS[position] if position < len(LETTERS) else f"u{'x' * (position - len(LETTERS) + 1)}"


def _upper(of: Anatomy, fixed: tuple[Fixed, ...], varying: tuple[str, ...]) -> dict[int, tuple[str, str]]:
    found: dict[int, tuple[str, str]] = {}
    by_column = {f.column: f.j for f in fixed}
    for part in of.fixed:
        for column in part.columns:
            if column in varying or part.label == INTERCEPT:
                continue
            place = _place(of, part, column)
            if place is not None:
                found[by_column[column]] = place
    return found


def _place(of: Anatomy, part: Part, column: str) -> tuple[str, str] | None:
    """The varying column that a fixed column belongs to at level 2, and what is left of it there."""
    for b in of.bars:
        group = b.bar.group.name
        for own in sorted(b.parts, key=lambda p: -len(p.variables)):
            rest = tuple(v for v in part.variables if v not in own.variables)
            if not rest or not set(own.variables) < set(part.variables) or not of.is_constant_within(rest, group):
                continue
            if own.label == INTERCEPT:
                return INTERCEPT, column
            left = _without(column, own.label)
            if left is not None and own.columns == (own.label,):
                return own.label, left
    return None


def _without(column: str, factor: str) -> str | None:
    if column.startswith(f"{factor}:"):
        return column[len(factor) + 1 :]
    return column[: -len(factor) - 1] if column.endswith(f":{factor}") else None


def combined(of: Anatomy, plan: Layout, pen: Pen) -> list[str]:
    """The model in one equation."""
    parts = [*_offsets(of, pen), *_sum(plan.fixed, pen)]
    parts += [_times(pen.effect(r.letter, r.j, r.group), r.column, pen) for r in plan.random]
    return [pen.equation(_response(of, pen), " + ".join([*parts, pen.residual]))]


def level_one(of: Anatomy, plan: Layout, pen: Pen) -> list[str]:
    """The equation of a row."""
    here = [f for f in plan.fixed if f.column not in plan.varying and f.j not in plan.upper]
    parts = _offsets(of, pen)
    parts += [_times(pen.alpha(_number(plan, c)), c, pen) for c in plan.varying]
    return [pen.equation(_response(of, pen), " + ".join([*parts, *_sum(tuple(here), pen), pen.residual]))]


def level_two(of: Anatomy, plan: Layout, pen: Pen) -> list[str]:
    """The equations of the coefficients that vary between groups."""
    lines = []
    for column in plan.varying:
        mean = [pen.beta(f.j) for f in plan.fixed if f.column == column]
        above = tuple(
            Fixed(f.j, plan.upper[f.j][1], f.run) for f in plan.fixed if plan.upper.get(f.j, ("",))[0] == column
        )
        effects = [pen.effect(r.letter, r.j, r.group) for r in plan.random if r.column == column]
        lines.append(pen.equation(pen.alpha(_number(plan, column)), " + ".join([*mean, *_sum(above, pen), *effects])))
    return lines


def distributions(of: Anatomy, plan: Layout, pen: Pen) -> list[str]:
    """The distributions of effects and residuals."""
    lines = []
    for letter, positions, group in plan.blocks:
        if len(positions) == 1:
            what = pen.vector(letter, positions, group)
            lines.append(pen.normal(what, "0", pen.squared(pen.sd(letter, positions[0]))))
        else:
            name, definition = pen.covariance(letter, positions)
            lines += [pen.normal(pen.vector(letter, positions, group), "0", name), *definition]
    variance = pen.squared(pen.sigma) + (f" / {pen.weight}" if of.weighted else "")
    return [*lines, pen.normal(pen.residual, "0", variance)]


def _number(plan: Layout, column: str) -> int:
    """The number of a varying coefficient: that of its fixed part, else one that no other has."""
    own = {f.column: f.j for f in plan.fixed}
    if column in own:
        return own[column]
    free = 1 + max([f.j for f in plan.fixed], default=-1)
    alone = [c for c in plan.varying if c not in own]
    if column == INTERCEPT and 0 not in own.values():
        return 0
    return max(free, 1) + [c for c in alone if c != INTERCEPT or 0 in own.values()].index(column)


def _response(of: Anatomy, pen: Pen) -> str:
    return pen.name(of.formula.response.label) + ("[i]" if pen.newline == "\n" else "_i")


def _offsets(of: Anatomy, pen: Pen) -> list[str]:
    return [pen.name(deparse(call)) for call in of.formula.offsets] + ([pen.name("offset")] if of.has_offset else [])


def _sum(fixed: tuple[Fixed, ...], pen: Pen) -> list[str]:
    """The summands; of a term of many columns the first two and the last."""
    parts: list[str] = []
    for run in dict.fromkeys(f.run for f in fixed):
        own = [_times(pen.beta(f.j), f.column, pen) for f in fixed if f.run == run]
        parts += own if len(own) <= SHOWN else [*own[:2], pen.omitted, own[-1]]
    return parts


def _times(coefficient: str, column: str, pen: Pen) -> str:
    if column == INTERCEPT:
        return coefficient
    space = " " if pen.newline == "\n" else r"\,"
    return f"{coefficient}{space}{pen.name(column)}"
