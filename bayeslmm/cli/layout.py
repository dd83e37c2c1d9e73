"""A design from the command line: groups of so many levels, predictors within or between them; or data, extended.

`--groups subject=20,40 --within day=0:9 --between arm=control,drug` says that each of 20 or 40 subjects has all ten
days and one arm. Data instead of it, such as those of a pilot study, are extended by copies of their groups.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayeslmm.cli.given import number, pairs, values
from bayeslmm.design.formula import Formula
from bayeslmm.design.nodes import names_in
from bayeslmm.errors import ArgumentError, did_you_mean
from bayeslmm.planning.designs import crossed

DRAWN = "normal"
PER_GROUP = "per_group"


@dataclass(frozen=True, slots=True)
class Layout:
    """What was asked for.

    Attributes
    ----------
    formula
        The model.
    data
        The design to extend; None for one that is made.
    sizes
        Numbers to try by argument of `make`: levels of each grouping variable, and `per_group`.
    within, between
        Values of predictors; those of `between` by grouping variable first.
    """

    formula: Formula
    data: pd.DataFrame | None
    sizes: dict[str, list[int]]
    within: dict[str, Any]
    between: dict[str, dict[str, Any]]

    def make(self, seed: int = 1, **sizes: int) -> pd.DataFrame:
        """The design of these sizes; the seed is that of predictors that are drawn."""
        rows = sizes.pop(PER_GROUP, None)
        if self.data is None:
            return self._made(sizes, 1 if rows is None else rows, np.random.default_rng(seed))
        groups, frame = grouping_variables(self.formula), self.data
        for name, levels in sizes.items():
            frame = extended(frame, name, levels, [g for g in groups if g != name])
        return frame if rows is None else with_rows(frame, _first(sizes, groups), rows)

    def first(self) -> pd.DataFrame:
        """The smallest design."""
        return self.make(**{name: tried[0] for name, tried in self.sizes.items()})

    def _made(self, sizes: Mapping[str, int], rows: int, rng: np.random.Generator) -> pd.DataFrame:
        fixed = {name: given for name, given in self.within.items() if given != DRAWN}
        # an underscore at the end of a name is left out by `crossed`; without one, `rows` would be its own argument
        frame = crossed(rows, **{f"{name}_": given for name, given in {**sizes, **fixed}.items()})
        for name in self.within:
            if name not in fixed:
                frame[name] = rng.normal(size=len(frame))
        for group, predictors in self.between.items():
            code = pd.factorize(frame[group])[0]
            for name, given in predictors.items():
                levels = rng.normal(size=code.max() + 1) if given == DRAWN else np.resize(given, code.max() + 1)
                frame[name] = levels[code]
        return frame


def _first(sizes: Mapping[str, int], groups: Sequence[str]) -> str:
    return next(iter(sizes), groups[0])


def layout(
    formula: Formula,
    data: pd.DataFrame | None,
    groups: Sequence[str],
    per_group: str | None,
    within: Sequence[str],
    between: Sequence[str],
) -> Layout:
    """Read the options.

    Raises
    ------
    ArgumentError
        Sizes that cannot be, a name that there is not, predictors of data that are given.
    """
    variables = grouping_variables(formula)
    if not variables:
        raise ArgumentError("the formula has no random effects; it needs a bar such as (1 | subject)")
    sizes = _sizes(groups, variables)
    if per_group is not None:
        sizes[PER_GROUP] = _counts("--per-group", per_group)
    predictors = {name: _predictor(text) for name, text in pairs("--within", within, "day=0:9").items()}
    if data is not None:
        if within or between:
            raise ArgumentError("--within and --between make a design; the data given have their predictors already")
        return Layout(formula, data, sizes, {}, {})
    missing = [name for name in variables if name not in sizes]
    if missing:
        raise ArgumentError(f"how many levels has `{missing[0]}`? add --groups {missing[0]}=20, or give a data file")
    found = Layout(formula, None, sizes, predictors, _between(between, variables))
    _check_names(found)
    return found


def grouping_variables(formula: Formula) -> list[str]:
    """The columns right of the bars, the outermost first."""
    bars = sorted(formula.random, key=lambda bar: len(bar.group.variables))
    return list(dict.fromkeys(n.name for bar in bars for v in bar.group.variables for n in names_in(v.node)))


def _sizes(given: Sequence[str], variables: list[str]) -> dict[str, list[int]]:
    """`--groups subject=10,20,40`, or `--groups 10,20,40` where there is one grouping variable."""
    if len(given) == 1 and "=" not in given[0]:
        if len(variables) > 1:
            raise ArgumentError(f"--groups {given[0]}: of which? write --groups {variables[0]}={given[0]}")
        return {variables[0]: _counts("--groups", given[0])}
    found = pairs("--groups", given, f"{variables[0]}=10,20,40")
    for name in found:
        if name not in variables:
            raise ArgumentError(f"--groups {name}: no such grouping variable{did_you_mean(name, variables)}")
    return {name: _counts(f"--groups {name}", found[name]) for name in variables if name in found}


def _counts(option: str, text: str) -> list[int]:
    found = [number(part.strip()) for part in text.split(",")]
    if any(not isinstance(n, int) or n < 1 for n in found):
        raise ArgumentError(f"{option} {text}: whole numbers from 1 on, with commas between them, such as 10,20,40")
    return sorted({n for n in found if isinstance(n, int)})


def _predictor(text: str) -> Any:
    return DRAWN if text == DRAWN else values(text)


def _between(given: Sequence[str], variables: list[str]) -> dict[str, dict[str, Any]]:
    """`arm=a,b` varies between levels of the first grouping variable, `freq@item=low,high` between those of another."""
    found: dict[str, dict[str, Any]] = {}
    for target, text in pairs("--between", given, "arm=control,drug").items():
        name, at, group = target.partition("@")
        if at and group not in variables:
            raise ArgumentError(f"--between {target}: no such grouping variable{did_you_mean(group, variables)}")
        found.setdefault(group or variables[0], {})[name] = _predictor(text)
    return found


def _check_names(found: Layout) -> None:
    made = {*found.sizes, *found.within, *(name for own in found.between.values() for name in own)} - {PER_GROUP}
    needed = [name for name in found.formula.names(response=False) if name not in made]
    if needed:
        name = needed[0]
        raise ArgumentError(
            f"no values for `{name}`: add --within {name}=0:9 (every group has all of them), --between {name}=a,b "
            f"(each group has one), or {name}={DRAWN} with either, which draws them; or give a data file"
        )
    used = set(found.formula.names())
    unused = [name for name in made if name not in used]
    if unused:
        raise ArgumentError(f"`{unused[0]}` is not in the formula{did_you_mean(unused[0], used)}")


def extended(frame: pd.DataFrame, group: str, levels: int, others: Sequence[str]) -> pd.DataFrame:
    """The first levels of a group, or copies of them in turn where there are fewer than are wanted.

    Parameters
    ----------
    group
        A column of `frame`.
    levels
        How many there are to be.
    others
        Other grouping variables; those whose labels belong to one level of `group` each get new labels in a copy.

    Raises
    ------
    ArgumentError
        There is no such column.
    """
    if group not in frame.columns:
        raise ArgumentError(f"no column `{group}` in the data{did_you_mean(group, frame.columns)}")
    known = list(dict.fromkeys(frame[group].dropna()))
    inner = [name for name in others if name in frame.columns and _is_inside(frame, name, group)]
    parts = []
    for i in range(levels):
        copy, part = i // len(known), frame[frame[group] == known[i % len(known)]].copy()
        for name in (group, *inner):
            part[name] = part[name].astype(str) + (f" ({copy + 1})" if copy else "")
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _is_inside(frame: pd.DataFrame, name: str, group: str) -> bool:
    return bool((frame.groupby(name, observed=True)[group].nunique() == 1).all())


def with_rows(frame: pd.DataFrame, group: str, rows: int) -> pd.DataFrame:
    """So many rows of each level: its first ones, or all of them in turn where there are fewer."""
    places = frame.groupby(group, observed=True, sort=False).indices.values()
    taken = [np.resize(own, rows) for own in places]
    return frame.iloc[np.concatenate(taken)].reset_index(drop=True)
