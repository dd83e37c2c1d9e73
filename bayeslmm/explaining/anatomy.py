"""Formula, and data where there are any -> what an explanation talks of: columns, random terms, levels, rows.

A model that cannot be fitted is explained all the same: what `build` refuses is kept as `problem`.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayeslmm.design import Design, build
from bayeslmm.design.algebra import Side
from bayeslmm.design.bars import Bar
from bayeslmm.design.columns import table
from bayeslmm.design.contrasts import Coding, codings, default
from bayeslmm.design.formula import Formula
from bayeslmm.design.frame import Frame
from bayeslmm.design.grouping import combine
from bayeslmm.design.matrices import INTERCEPT, columns
from bayeslmm.design.model_frame import model_frame
from bayeslmm.design.nodes import Name
from bayeslmm.design.rebuild import given_contrasts
from bayeslmm.design.values import Factor
from bayeslmm.errors import DataError, DesignWarning, FormulaError


@dataclass(frozen=True, slots=True)
class Part:
    """One term of the fixed part, or of a bar, and the columns it becomes.

    Attributes
    ----------
    label
        As R writes it; `(Intercept)` for the intercept.
    variables
        Its variables, by label.
    columns
        Names of its columns; the label alone where there are no data to tell.
    """

    label: str
    variables: tuple[str, ...]
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BarParts:
    """One bar, and its effects in parts."""

    bar: Bar
    parts: tuple[Part, ...]

    @property
    def effects(self) -> tuple[str, ...]:
        """Names of the effects, as R writes them."""
        return tuple(c for part in self.parts for c in part.columns)

    @property
    def n_correlations(self) -> int:
        """How many correlations are estimated."""
        k = len(self.effects)
        return k * (k - 1) // 2 if self.bar.correlated else 0


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The rows behind a grouping factor: `index` (n,), the level of each; the J `labels`; `counts` (J,) of rows."""

    index: np.ndarray
    labels: tuple[str, ...]
    counts: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Anatomy:
    """What there is to explain.

    Attributes
    ----------
    formula
        The parsed formula.
    fixed
        The parts of the fixed side, the intercept first.
    bars
        The bars in the order of the formula.
    frame
        The model frame; None without data.
    groups
        Rows by name of the grouping factor; empty without data.
    design
        The arrays; None without data, or where the model cannot be fitted.
    problem
        Why it cannot be fitted; "" where it can.
    dropped
        Columns of the fixed part that are collinear with others.
    weighted, has_offset
        Whether the rows have prior weights, and an offset beside those in the formula.
    """

    formula: Formula
    fixed: tuple[Part, ...]
    bars: tuple[BarParts, ...]
    frame: Frame | None
    groups: Mapping[str, Rows]
    design: Design | None
    problem: str
    dropped: tuple[str, ...]
    weighted: bool
    has_offset: bool = False

    def is_factor(self, variable: str) -> bool:
        """Whether a variable is known to be categorical."""
        return self.frame is not None and isinstance(self.frame.variables.get(variable), Factor)

    def is_number(self, variable: str) -> bool:
        """Whether a variable is known to be numeric."""
        return self.frame is not None and variable in self.frame.variables and not self.is_factor(variable)

    def bars_of(self, group: str) -> tuple[BarParts, ...]:
        """The bars of one grouping factor."""
        return tuple(b for b in self.bars if b.bar.group.name == group)

    def is_constant_within(self, variables: tuple[str, ...], group: str) -> bool:
        """Whether all these variables have one value in every level of a group."""
        if self.frame is None or group not in self.groups:
            return False
        rows = self.groups[group]
        return all(_constant(self.frame.variables[v], rows) for v in variables)


def _constant(value: Any, rows: Rows) -> bool:
    array = value.codes if isinstance(value, Factor) else value.values
    array = array.reshape(array.shape[0], -1)
    first = np.zeros(len(rows.labels), dtype=np.int64)
    first[rows.index[::-1]] = np.arange(rows.index.size)[::-1]
    return bool((array == array[first[rows.index]]).all())


def anatomy(formula: Formula, data: Any, options: Mapping[str, Any]) -> Anatomy:
    """Take formula and data apart.

    Parameters
    ----------
    formula
        The parsed formula.
    data
        Any frame that narwhals reads, or None.
    options
        `weights`, `offset`, `contrasts`, `functions` as for `Model`.

    Raises
    ------
    FormulaError, DataError
        The formula names what the data do not have, or no row is complete.
    """
    weighted, offset = options.get("weights") is not None, options.get("offset") is not None
    if data is None:
        fixed = _without_data(formula.fixed)
        bars = tuple(BarParts(bar, _without_data(bar.effects)) for bar in formula.random)
        return Anatomy(formula, fixed, bars, None, {}, None, "", (), weighted, offset)
    frame = model_frame(formula, table(data), options.get("weights"), options.get("offset"), options.get("functions"))
    design, problem = _design(formula, data, options)
    dropped = () if design is None else design.dropped
    codes = _codings(formula, frame, options.get("contrasts"))
    fixed = _with_data(formula.fixed, frame, codes, dropped)
    bars = tuple(BarParts(b, _with_data(b.effects, frame, _default(b.effects, frame), ())) for b in formula.random)
    return Anatomy(formula, fixed, bars, frame, _groups(formula, frame), design, problem, dropped, weighted, offset)


def of_design(design: Design) -> Anatomy:
    """Take apart a design that was built before, with the data that it was built of."""
    source = design.source
    if source is None:
        return anatomy(design.formula, None, {"weights": True if design.has_weights else None})
    options = {"weights": source.weights, "offset": source.offset, "contrasts": given_contrasts(design)}
    return anatomy(design.formula, source.columns, {**options, "functions": design.recipe.functions})


def _design(formula: Formula, data: Any, options: Mapping[str, Any]) -> tuple[Design | None, str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DesignWarning)
        try:
            return build(formula, data, **options), ""
        except (DataError, FormulaError) as error:
            return None, str(error)


def _codings(formula: Formula, frame: Frame, contrasts: Any) -> Mapping[str, Coding]:
    used = {v for t in formula.fixed.terms for v in t.variables}
    factors = {k: f for k in used if isinstance(f := frame.variables[k], Factor) and len(f.levels) > 1}
    aliases = {v.node.name: v.label for v in formula.fixed.variables if isinstance(v.node, Name)}
    return codings(contrasts, {k: (f.levels, f.ordered) for k, f in factors.items()}, aliases)


def _default(side: Side, frame: Frame) -> dict[str, Coding]:
    used = {v for t in side.terms for v in t.variables}
    factors = {k: f for k in used if isinstance(f := frame.variables[k], Factor) and len(f.levels) > 1}
    return {k: default(f.levels, f.ordered) for k, f in factors.items()}


def _without_data(side: Side) -> tuple[Part, ...]:
    first = (Part(INTERCEPT, (), (INTERCEPT,)),) if side.has_intercept else ()
    return first + tuple(Part(t.label, t.variables, (t.label,)) for t in side.terms)


def _with_data(side: Side, frame: Frame, codes: Mapping[str, Coding], dropped: tuple[str, ...]) -> tuple[Part, ...]:
    one_row = {k: v.take(np.arange(1)) for k, v in frame.variables.items()}
    made = columns(side, one_row, codes, 1)
    names = [(a, n) for a, n in zip(made.assign, made.names, strict=True) if n not in dropped]
    variables: list[tuple[str, ...]] = [()] + [t.variables for t in side.terms]
    labels = [INTERCEPT] + [t.label for t in side.terms]
    wanted = range(0 if side.has_intercept else 1, len(labels))
    return tuple(Part(labels[j], variables[j], tuple(n for a, n in names if a == j)) for j in wanted)


def _groups(formula: Formula, frame: Frame) -> dict[str, Rows]:
    found = {}
    for bar in formula.random:
        index, levels = combine([frame.groups[v.label] for v in bar.group.variables])
        found[bar.group.name] = Rows(index, levels.labels, np.bincount(index, minlength=len(levels.labels)))
    return found
