"""Formula + data -> Design: the one way in."""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from bayeslmm.design.columns import table
from bayeslmm.design.contrasts import Coding, codings
from bayeslmm.design.design import Design, FixedTerm, RandomTerm
from bayeslmm.design.formula import Formula, parse
from bayeslmm.design.frame import Frame
from bayeslmm.design.matrices import INTERCEPT, Columns, columns
from bayeslmm.design.model_frame import model_frame
from bayeslmm.design.nodes import Name, names_in
from bayeslmm.design.random_terms import Built, random_terms
from bayeslmm.design.rank import independent
from bayeslmm.design.recipe import Recipe, kind_of
from bayeslmm.design.source import Source
from bayeslmm.design.values import Factor, Value
from bayeslmm.errors import DataError, DesignWarning


def build(
    formula: str | Formula,
    data: Any,
    *,
    weights: Any = None,
    offset: Any = None,
    contrasts: Mapping[str, Any] | None = None,
    functions: Mapping[str, Any] | None = None,
    allow_n_levels: bool = False,
) -> Design:
    """Return formula and data as arrays.

    Parameters
    ----------
    formula
        An lme4-style formula.
    data
        Any frame that narwhals reads, a dict of columns, or `Columns` that were read before. It is not changed.
    weights, offset
        A column's name, or an array (n,) with one number per row of the data. The offset adds to `offset()` terms.
    contrasts
        For factors of the fixed part: `{"f": "sum"}`, or a matrix (levels, columns).
    functions
        Functions that the formula may call besides the built-in ones: `{"f": f}`; each gets and returns arrays.
    allow_n_levels
        Whether a grouping factor may have as many levels as there are rows.

    Raises
    ------
    FormulaError, DataError, ArgumentError
        With what was given, what was expected and what to do.
    """
    parsed = formula if isinstance(formula, Formula) else parse(formula)
    frame = model_frame(parsed, table(data), weights, offset, functions)
    fixed_variables = _fixed_variables(parsed, frame)
    codes = _codings(parsed, fixed_variables, contrasts)
    full = columns(parsed.fixed, fixed_variables, codes, frame.y.size)
    kept = independent(full.X)
    terms = random_terms(parsed, frame, full, allow_n_levels=allow_n_levels)
    _check_size(kept.size, frame.y.size)
    dropped = tuple(full.names[j] for j in range(len(full.names)) if j not in set(kept.tolist()))
    _warn_dropped(dropped)
    return Design(
        formula=parsed,
        response=parsed.response.label,
        y=np.ascontiguousarray(frame.y, dtype=float),
        X=full.X if not dropped else np.ascontiguousarray(full.X[:, kept]),
        coef_names=tuple(full.names[j] for j in kept),
        fixed_terms=_fixed_terms(parsed, fixed_variables, full, kept),
        terms=tuple(_random_term(t, full, kept) for t in terms),
        weights=frame.weights,
        offset=frame.offset,
        has_weights=weights is not None,
        has_offset=offset is not None or bool(parsed.offsets),
        rows=frame.rows,
        n_missing=frame.n_total - frame.rows.size,
        dropped=dropped,
        contrasts={k: c.name for k, c in codes.items()},
        recipe=_recipe(parsed, frame, codes, kept, terms, functions, offset),
        variables=fixed_variables,
        columns=_fixed_columns(parsed, frame, offset),
        weights_name=_argument_name(weights),
        offset_name=_argument_name(offset),
        source=Source.of(frame.columns, weights, offset),
    )


def _fixed_columns(formula: Formula, frame: Frame, offset: Any) -> dict[str, Value]:
    used = {v for t in formula.fixed.terms for v in t.variables}
    nodes = [v.node for v in formula.fixed.variables if v.label in used] + list(formula.offsets)
    names = [n.name for node in nodes for n in names_in(node)] + ([offset] if isinstance(offset, str) else [])
    return {name: frame.columns.values[name] for name in names if name in frame.columns.values}


def _argument_name(given: Any) -> str:
    return "" if given is None else given if isinstance(given, str) else "an array"


def _fixed_variables(formula: Formula, frame: Frame) -> dict[str, Any]:
    used = {v for t in formula.fixed.terms for v in t.variables}
    variables = {v.label: frame.variables[v.label] for v in formula.fixed.variables if v.label in used}
    for label, value in variables.items():
        if isinstance(value, Factor) and value.levels and len(value.levels) >= frame.y.size > 2:
            raise DataError(
                f"the factor `{label}` has {len(value.levels)} levels in {frame.y.size} rows, one per row; "
                "if it holds numbers stored as text, turn them into numbers in the data"
            )
        if isinstance(value, Factor) and len(value.levels) < 2:
            raise DataError(
                f"`{label}` has one level in the rows used, `{''.join(value.levels)}`; a factor of the fixed part "
                "needs two: leave it out of the formula"
            )
    return variables


def _check_size(p: int, n: int) -> None:
    if p >= n:
        raise DataError(
            f"{p} coefficients for {n} rows leave nothing to estimate the residual variance from; take fewer terms"
        )


def _codings(formula: Formula, variables: Mapping[str, Any], contrasts: Mapping[str, Any] | None) -> dict[str, Coding]:
    factors = {k: (v.levels, v.ordered) for k, v in variables.items() if isinstance(v, Factor)}
    aliases = {v.node.name: v.label for v in formula.fixed.variables if isinstance(v.node, Name)}
    return codings(contrasts, factors, aliases)


def _warn_dropped(dropped: tuple[str, ...]) -> None:
    if dropped:
        shown = ", ".join(f"`{d}`" for d in dropped[:8]) + (", ..." if len(dropped) > 8 else "")
        warnings.warn(
            f"the fixed part is rank deficient; {len(dropped)} collinear column{'s' if len(dropped) > 1 else ''} "
            f"left out: {shown}",
            DesignWarning,
            stacklevel=3,
        )


def _fixed_terms(
    formula: Formula, variables: Mapping[str, Any], full: Columns, kept: np.ndarray
) -> tuple[FixedTerm, ...]:
    assign = full.assign[kept]
    found = [FixedTerm(INTERCEPT, frozenset(), frozenset(), _where(assign, 0))] if formula.has_intercept else []
    for j, term in enumerate(formula.fixed.terms):
        factors = frozenset(v for v in term.variables if isinstance(variables[v], Factor))
        numerics = frozenset(term.variables) - factors
        found.append(FixedTerm(term.label, factors, numerics, _where(assign, j + 1)))
    return tuple(found)


def _where(assign: np.ndarray, term: int) -> tuple[int, ...]:
    return tuple(int(i) for i in np.flatnonzero(assign == term))


def _random_term(built: Built, full: Columns, kept: np.ndarray) -> RandomTerm:
    recipe = built.recipe
    fixed = {full.names[j]: full.X[:, j] for j in kept}
    named = [(e, z) for e, z in zip(built.effects, built.Z.T, strict=True) if e in fixed]
    apart = frozenset(e for e, z in named if not _same(z, fixed[e]))
    return RandomTerm(recipe.group.name, built.effects, built.blocks, built.Z, built.index, recipe.levels.labels, apart)


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two columns (n,) are equal but for rounding."""
    return bool((a == b).all()) or bool((np.abs(a - b) <= 1e-12 * np.abs(b)).all())


def _recipe(
    formula: Formula,
    frame: Frame,
    codes: dict[str, Coding],
    kept: np.ndarray,
    terms: tuple[Built, ...],
    functions: Mapping[str, Any] | None,
    offset: Any,
) -> Recipe:
    factors = {k: v for k, v in frame.variables.items() if isinstance(v, Factor)}
    return Recipe(
        formula=formula,
        functions=dict(functions or {}),
        memory=frame.memory,
        kinds={k: kind_of(v) for k, v in frame.columns.values.items()},
        levels={k: v.levels for k, v in factors.items()},
        ordered=frozenset(k for k, v in factors.items() if v.ordered),
        codings=codes,
        kept=kept,
        terms=tuple(t.recipe for t in terms),
        offset_argument=None if offset is None else offset if isinstance(offset, str) else True,
    )
