"""The bars of the formula -> random terms: bars that share a grouping factor become one.

The inside of each bar is an ordinary formula of its own with R's default contrasts, as in lme4 (whose `contrasts`
argument concerns the fixed part only).
"""

from dataclasses import dataclass

import numpy as np

from bayeslmm.design.bars import Bar
from bayeslmm.design.contrasts import default
from bayeslmm.design.formula import Formula
from bayeslmm.design.frame import Frame
from bayeslmm.design.grouping import Levels, combine
from bayeslmm.design.matrices import Columns, columns, shared
from bayeslmm.design.recipe import TermRecipe
from bayeslmm.design.values import Factor
from bayeslmm.errors import DataError, FormulaError


@dataclass(frozen=True, slots=True, eq=False)
class Built:
    """One random term as arrays, and how to make it again; see `RandomTerm` for the fields."""

    recipe: TermRecipe
    effects: tuple[str, ...]
    blocks: tuple[tuple[int, ...], ...]
    Z: np.ndarray
    index: np.ndarray


def random_terms(formula: Formula, frame: Frame, fixed: Columns, *, allow_n_levels: bool = False) -> tuple[Built, ...]:
    """Return the random terms by decreasing number of levels; ties in the order of the formula.

    Parameters
    ----------
    formula, frame
        The parsed formula and its model frame.
    fixed
        The columns of the fixed part.
    allow_n_levels
        Whether a grouping factor may have as many levels as there are rows (a generalised model's may).

    Raises
    ------
    FormulaError
        If an effect stands twice in one grouping factor.
    DataError
        If a grouping factor has one level, or there are as many random effects as rows.
    """
    terms = []
    for name in formula.groups:
        bars = tuple(b for b in formula.random if b.group.name == name)
        index, levels = combine([frame.groups[v.label] for v in bars[0].group.variables])
        _check_levels(bars[0], levels, index.size, allow_n_levels)
        made = [_inside(bar, frame, fixed) for bar in bars]
        _check_repeated(formula, bars, made)
        blocks = _blocks(bars, made)
        _check_size(bars[0], blocks, levels, index.size, allow_n_levels)
        effects = tuple(name for m in made for name in m.names)
        Z = made[0].X if len(made) == 1 else np.hstack([m.X for m in made])
        assign = tuple((i, int(a)) for i, m in enumerate(made) for a in m.assign)
        terms.append(Built(TermRecipe(bars[0].group, bars, levels, len(effects), assign), effects, blocks, Z, index))
    return tuple(sorted(terms, key=lambda t: -len(t.recipe.levels.labels)))


def _inside(bar: Bar, frame: Frame, fixed: Columns) -> Columns:
    if (found := shared(bar.effects, frame.variables, fixed)) is not None:
        return found
    used = {v for t in bar.effects.terms for v in t.variables}
    factors = {k: f for k in used if isinstance(f := frame.variables[k], Factor)}
    for label, factor in factors.items():
        if len(factor.levels) < 2:
            raise DataError(
                f"({bar.text}): `{label}` has one level in the rows used, `{''.join(factor.levels)}`; "
                "a factor needs two: leave it out"
            )
    codings = {k: default(f.levels, f.ordered) for k, f in factors.items()}
    return columns(bar.effects, frame.variables, codings, frame.y.size)


def _blocks(bars: tuple[Bar, ...], made: list[Columns]) -> tuple[tuple[int, ...], ...]:
    blocks: list[tuple[int, ...]] = []
    start = 0
    for bar, m in zip(bars, made, strict=True):
        positions = tuple(range(start, start + len(m.names)))
        blocks += [positions] if bar.correlated else [(j,) for j in positions]
        start += len(m.names)
    return tuple(blocks)


def _check_repeated(formula: Formula, bars: tuple[Bar, ...], made: list[Columns]) -> None:
    seen: set[str] = set()
    for bar, m in zip(bars, made, strict=True):
        for name in m.names:
            if name in seen:
                cure = (
                    f"write `(0 + ... | {bar.group.name})` in the second, or one bar for both"
                    if name == "(Intercept)"
                    else "leave it out of one of them"
                )
                raise FormulaError(
                    f"the effect `{name}` stands twice for the group `{bar.group.name}`, and its two variances could "
                    f"not be told apart; {cure}",
                    formula.text,
                    bar.position,
                )
            seen.add(name)


def _check_levels(bar: Bar, levels: Levels, n: int, allow_n_levels: bool) -> None:
    name, count = bar.group.name, len(levels.labels)
    if count < 2:
        raise DataError(
            f"({bar.text}): the grouping factor `{name}` has one level in the rows used, `{levels.labels[0]}`; "
            "a variance between groups needs at least two: leave the term out"
        )
    if count > n or (count == n and not allow_n_levels):
        raise DataError(
            f"({bar.text}): the grouping factor `{name}` has {count} levels in {n} rows, one per row; its variance "
            "could not be told from the residual's: leave the term out, or use a factor that groups rows"
        )


def _check_size(bar: Bar, blocks: tuple[tuple[int, ...], ...], levels: Levels, n: int, allow_n_levels: bool) -> None:
    count = len(levels.labels)
    for block in blocks:
        q = len(block) * count
        if q > n or (q == n and not allow_n_levels):
            raise DataError(
                f"({bar.text}): {len(block)} effects for each of {count} levels are {q} random effects, for {n} rows; "
                "their variances and the residual's could not be told apart: take fewer effects"
            )
