"""How to make the fitted columns again from new data, and what comes out."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from bayeslmm.design.algebra import Side, Variable
from bayeslmm.design.bars import Bar, Group
from bayeslmm.design.columns import table
from bayeslmm.design.contrasts import Coding, default
from bayeslmm.design.evaluate import SHORTHAND, Context, evaluate
from bayeslmm.design.formula import Formula
from bayeslmm.design.frame_variables import as_variable
from bayeslmm.design.functions import numbers
from bayeslmm.design.grouping import Levels
from bayeslmm.design.matrices import columns as make_columns
from bayeslmm.design.nodes import Name, Node, names_in
from bayeslmm.design.transforms import Transform
from bayeslmm.design.values import Factor, Logical, Numeric, Value, as_factor
from bayeslmm.errors import ArgumentError, DataError, did_you_mean


@dataclass(frozen=True, slots=True, eq=False)
class NewTerm:
    """One grouping factor's columns for new data.

    Attributes
    ----------
    Z
        (m, k).
    index
        (m,): position in the fitted term's `levels`, or -1 for a level that was not there.
    labels
        (m,): the level's label, as a string, known or new.
    """

    Z: np.ndarray
    index: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class NewRows:
    """The same columns for m new rows; a row with a missing value has NaN in X, Z or offset.

    Attributes
    ----------
    X
        (m, p).
    terms
        One per fitted term, in the same order.
    offset
        (m,).
    """

    X: np.ndarray
    terms: tuple[NewTerm, ...]
    offset: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """What a column was when the model was fitted; of a factor, an empty copy with its levels."""

    kind: Literal["number", "logical", "factor"]
    factor: Factor | None = None


@dataclass(frozen=True, slots=True, eq=False)
class TermRecipe:
    """One grouping factor: the bars that share it and its levels; `k` effects in all.

    `assign` says of each effect which bar it comes from and which of the bar's terms: 0 is the intercept.
    """

    group: Group
    bars: tuple[Bar, ...]
    levels: Levels
    k: int
    assign: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Recipe:
    """All that is needed to make the fitted columns from new data.

    Attributes
    ----------
    formula
        The formula.
    functions
        The user's functions.
    memory
        What transforms learned, by the text of the call.
    kinds
        What the columns were, by name.
    levels
        The levels of every factor among the variables, by label.
    ordered
        The labels of the ordered ones.
    codings
        The coding of every factor of the fixed part.
    kept
        (p,): which of the fixed part's columns are in X.
    terms
        The grouping factors in the order of the fitted terms.
    offset_argument
        The column given as `offset=`; True where it was an array; None where there was none.
    """

    formula: Formula
    functions: Mapping[str, Any]
    memory: dict[str, Transform]
    kinds: Mapping[str, Kind]
    levels: Mapping[str, tuple[str, ...]]
    ordered: frozenset[str]
    codings: Mapping[str, Coding]
    kept: np.ndarray
    terms: tuple[TermRecipe, ...]
    offset_argument: str | Literal[True] | None

    def rows(
        self, newdata: Any, groups: Collection[str] | None = None, offset: Any = None, all_effects: bool = False
    ) -> NewRows:
        """Return the columns for new data.

        Parameters
        ----------
        newdata
            A frame with the columns of the right side that are needed; the response is not.
        groups
            The grouping factors to evaluate; None is all. Columns that only the others need may be absent; they get
            index -1 and zeros in Z.
        offset
            (m,): the offset of the new rows, where the model was fitted with an array as `offset=`.
        all_effects
            Make the columns Z of the grouping factors that were not asked for too; their levels stay unknown.

        Raises
        ------
        DataError
            For a missing column, or a level of a fixed factor that the model has not seen.
        """
        asked = self._groups(groups)
        context = self._context(newdata, asked, all_effects)
        m = context.n
        X = self._columns(self.formula.fixed, self.codings, context)[:, self.kept]
        terms = tuple(
            self._term(t, context)
            if t.group.name in asked
            else self._without_level(t, context)
            if all_effects
            else _absent(t, m)
            for t in self.terms
        )
        return NewRows(np.ascontiguousarray(X), terms, self._offset(context, offset))

    def effects(self, newdata: Any) -> tuple[np.ndarray, ...]:
        """Return the columns Z (m, k) of every grouping factor; only what stands left of the bars is needed."""
        names = [n for node in self._effect_nodes() for n in (x.name for x in names_in(node))]
        columns, m = self._read_names(newdata, [n for n in names if n in self.kinds or n not in SHORTHAND])
        context = Context(columns, m, self.formula.text, self.functions, self.memory)
        return tuple(self._effects(t, context) for t in self.terms)

    def _effect_nodes(self) -> list[Node]:
        """Return the expressions left of the bars."""
        return [v.node for t in self.terms for bar in t.bars for v in _used(bar.effects)]

    def complete(self, newdata: Any) -> np.ndarray:
        """Return all columns (m, P) of the fixed part for new data, those left out of X as collinear included."""
        return self._columns(self.formula.fixed, self.codings, self._context(newdata, frozenset()))

    def _context(self, newdata: Any, asked: frozenset[str], all_effects: bool = False) -> Context:
        columns, m = self._read(newdata, asked, all_effects)
        return Context(columns, m, self.formula.text, self.functions, self.memory)

    def _groups(self, groups: Collection[str] | None) -> frozenset[str]:
        known = [t.group.name for t in self.terms]
        if groups is None:
            return frozenset(known)
        for name in groups:
            if name not in known:
                raise ArgumentError(f"no grouping factor `{name}`{did_you_mean(name, known)}")
        return frozenset(groups)

    def _needed(self, asked: frozenset[str], all_effects: bool) -> list[str]:
        nodes = [v.node for v in _used(self.formula.fixed)] + list(self.formula.offsets)
        for term in self.terms:
            if term.group.name in asked:
                nodes += [v.node for v in term.group.variables]
            if all_effects or term.group.name in asked:
                nodes += [v.node for bar in term.bars for v in _used(bar.effects)]
        names = list(dict.fromkeys(n.name for node in nodes for n in names_in(node)))
        if isinstance(self.offset_argument, str):
            names.append(self.offset_argument)
        return [n for n in names if n in self.kinds or n not in SHORTHAND]

    def _read(self, newdata: Any, asked: frozenset[str], all_effects: bool) -> tuple[dict[str, Value], int]:
        return self._read_names(newdata, self._needed(asked, all_effects))

    def _read_names(self, newdata: Any, names: list[str]) -> tuple[dict[str, Value], int]:
        source = table(newdata)
        for name in names:
            if name not in source.names:
                raise DataError(f"the new data have no column `{name}`{did_you_mean(name, source.names)}")
        labels = self._labels_only()
        columns = source.read(list(dict.fromkeys(names)), labels)
        values = columns.values
        return {k: v if k in labels else _like(v, self.kinds[k], k) for k, v in values.items()}, columns.n

    def _labels_only(self) -> frozenset[str]:
        """Return the columns of which only the label matters: grouping factors named as they are, used nowhere else."""
        plain = {v.node.name for t in self.terms for v in t.group.variables if isinstance(v.node, Name)}
        nodes = [v.node for v in self.formula.fixed.variables] + list(self.formula.offsets)
        nodes += [v.node for t in self.terms for b in t.bars for v in b.effects.variables]
        nodes += [v.node for t in self.terms for v in t.group.variables if not isinstance(v.node, Name)]
        return frozenset(plain) - {n.name for node in nodes for n in names_in(node)} - {self.offset_argument}

    def _columns(self, side: Side, codings: Mapping[str, Coding], context: Context) -> np.ndarray:
        variables = {v.label: self._variable(v, context) for v in _used(side)}
        return make_columns(side, variables, codings, context.n).X

    def _variable(self, variable: Variable, context: Context) -> Numeric | Factor:
        value = as_variable(evaluate(variable.node, context), variable, self.formula)
        levels = self.levels.get(variable.label)
        if levels is None:
            return value
        factor = as_factor(value).drop_unused()
        unknown = [s for s in factor.levels if s not in set(levels)]
        if unknown:
            shown = ", ".join(f'"{s}"' for s in unknown[:5])
            known = ", ".join(levels[:12]) + (", ..." if len(levels) > 12 else "")
            raise DataError(
                f"`{variable.label}` has {shown} in the new data, which the model has not seen; its levels are {known}"
            )
        return factor.recode(levels)

    def _term(self, term: TermRecipe, context: Context) -> NewTerm:
        factors = [as_factor(evaluate(v.node, context)) for v in term.group.variables]
        index, labels = term.levels.find(factors)
        return NewTerm(self._effects(term, context), index, labels)

    def _without_level(self, term: TermRecipe, context: Context) -> NewTerm:
        return replace(_absent(term, context.n), Z=self._effects(term, context))

    def _effects(self, term: TermRecipe, context: Context) -> np.ndarray:
        """Return Z (m, k)."""
        blocks = []
        for bar in term.bars:
            codings = {
                v.label: default(self.levels[v.label], v.label in self.ordered)
                for v in _used(bar.effects)
                if v.label in self.levels
            }
            blocks.append(self._columns(bar.effects, codings, context))
        return np.ascontiguousarray(np.hstack(blocks))

    def _offset(self, context: Context, given: Any) -> np.ndarray:
        total = np.zeros(context.n)
        for call in self.formula.offsets:
            total = total + np.asarray(numbers(evaluate(call, context)))
        if isinstance(self.offset_argument, str):
            return total + np.asarray(numbers(context.columns[self.offset_argument]))
        if self.offset_argument is None:
            return total
        if given is None:
            raise DataError(
                "the model was fitted with an array as offset, which new data cannot bring along; "
                "give the offset as a column's name when fitting"
            )
        values = np.array(given, dtype=float)
        if values.shape != (context.n,):
            raise DataError(f"offset has shape {values.shape}; the new data have {context.n} rows")
        return total + values


def _used(side: Side) -> list[Variable]:
    used = {v for t in side.terms for v in t.variables}
    return [v for v in side.variables if v.label in used]


def _absent(term: TermRecipe, m: int) -> NewTerm:
    return NewTerm(np.zeros((m, term.k)), np.full(m, -1, dtype=np.int64), np.full(m, "", dtype=object))


def kind_of(value: Value) -> Kind:
    """Return what a column is."""
    if isinstance(value, Factor):
        return Kind("factor", value.take(np.arange(0)))
    return Kind("logical" if isinstance(value, Logical) else "number")


def _like(value: Value, kind: Kind, name: str) -> Value:
    """Return a new column as the kind that the fitted one had."""
    if kind.factor is not None:
        fitted, factor = kind.factor, as_factor(value).drop_unused()
        known = set(fitted.levels)
        new = factor.recode(fitted.levels + tuple(s for s in factor.levels if s not in known))
        return Factor(new.codes, new.levels, fitted.ordered, fitted.kind)
    if isinstance(value, Factor):
        if value.missing.all():
            return Numeric(np.full(value.codes.size, np.nan))
        held = "numbers" if kind.kind == "number" else "true and false"
        raise DataError(f"column `{name}` held {held} when the model was fitted; in the new data it holds text")
    if kind.kind == "logical" and isinstance(value, Numeric):
        seen = value.values[~value.missing]
        if not np.isin(seen, (0.0, 1.0)).all():
            raise DataError(f"column `{name}` was true or false when the model was fitted; now it holds other numbers")
        return Logical(value.values)
    return Numeric(value.values) if isinstance(value, Logical) and kind.kind == "number" else value
