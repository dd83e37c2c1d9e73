"""How the columns of a level move along one variable, for pictures of the lines of a model.

A straight line holds the columns that do not depend on the variable at their means in the level; products with the
variable move along. Where other columns are functions of the same variable (powers, splines), the curve goes through
the level's own rows. A factor has one point per category, at the mean of the level's rows there.
"""

from dataclasses import dataclass

import numpy as np

from bayeslmm.design import Design, FixedTerm, RandomTerm
from bayeslmm.design.nodes import names_in
from bayeslmm.design.values import Factor, Numeric
from bayeslmm.errors import ArgumentError, did_you_mean


@dataclass(frozen=True, slots=True)
class Along:
    """A variable on the horizontal axis.

    Attributes
    ----------
    label
        Its name.
    values
        (n,): where each row stands; positions of the categories for a factor.
    categories
        The categories of a factor; empty for numbers.
    moving
        Names of the columns that are the variable times something.
    curved
        Whether other columns are functions of the same variable.
    """

    label: str
    values: np.ndarray
    categories: tuple[str, ...]
    moving: frozenset[str]
    curved: bool

    def path(self, rows: np.ndarray, columns: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Return positions (r,) and the columns' values there (r, c), for the rows of one level."""
        X = np.column_stack(list(columns.values()))[rows]
        x = self.values[rows]
        if self.categories or self.curved:
            at, inverse = np.unique(x, return_inverse=True)
            return at, np.array([X[inverse == i].mean(axis=0) for i in range(at.size)])
        ends = np.array([self.values.min(), self.values.max()])
        made = np.tile(X.mean(axis=0), (2, 1))
        size = float(x @ x)
        for j, name in enumerate(columns):
            if name == self.label:
                made[:, j] = ends
            elif name in self.moving:
                made[:, j] = ends * (float(X[:, j] @ x) / size if size else 0.0)
        return ends, made


def along(design: Design, term: RandomTerm, x: str | None) -> Along:
    """Find the variable `x`, or choose one: a random slope's first, then one of the fixed part.

    Raises
    ------
    ArgumentError
        There is no such variable, or none at all.
    """
    columns = all_columns(design, term)
    known = [*_variables(design), *(n for n in columns if n != "(Intercept)" and n not in _variables(design))]
    if x is None:
        if not known:
            raise ArgumentError("there is no predictor to draw lines against: the model has an intercept only")
        x = _chosen(design, term, known)
    if x not in known:
        raise ArgumentError(f"no variable or coefficient `{x}` to draw lines against" + did_you_mean(x, known))
    variable = design.variables.get(x)
    if isinstance(variable, Factor):
        return Along(x, variable.codes.astype(float), variable.levels, frozenset(), False)
    values = columns[x] if variable is None else variable.values
    moving = {design.coef_names[j] for t in design.fixed_terms if x in t.numerics for j in t.columns} | {x}
    return Along(x, values, (), frozenset(moving), _curved(design, term, x, columns, moving))


def all_columns(design: Design, term: RandomTerm) -> dict[str, np.ndarray]:
    """Columns (n,) that multiply the coefficients of a level: the fixed ones, then effects without a fixed one."""
    fixed = dict(zip(design.coef_names, design.X.T, strict=True))
    return fixed | {e: z for e, z in zip(term.coefficients, term.Z.T, strict=True) if e not in fixed}


def _variables(design: Design) -> list[str]:
    return [k for k, v in design.variables.items() if isinstance(v, Factor) or v.values.ndim == 1]


def _chosen(design: Design, term: RandomTerm, known: list[str]) -> str:
    slopes = [e for e in term.coefficients if e != "(Intercept)"]
    variables = _variables(design)
    for slope in slopes:
        if slope in variables:
            return slope
        for t in design.fixed_terms:
            if len(t.factors) == 1 and not t.numerics and slope in [design.coef_names[j] for j in t.columns]:
                return next(iter(t.factors))
    if slopes:
        return slopes[0]
    numeric = [v for v in variables if isinstance(design.variables[v], Numeric)]
    candidates = [*numeric, *(v for v in variables if v not in numeric)]
    return next((v for v in candidates if _moves_within(design, v, term)), (candidates or known)[0])


def _curved(design: Design, term: RandomTerm, x: str, columns: dict[str, np.ndarray], moving: set[str]) -> bool:
    """Whether columns beside the moving ones vary within levels, all as functions of x."""
    others = [name for name in columns if name not in moving and _varies(columns[name], term)]
    raw = _raw_names(design)
    if not others or x not in raw:
        return False
    home = {design.coef_names[j]: t for t in design.fixed_terms for j in t.columns}

    def follows(t: FixedTerm) -> bool:
        return all(raw[v] <= raw[x] or not _moves_within(design, v, term) for v in t.factors | t.numerics)

    return all(name in home and follows(home[name]) for name in others)


def _raw_names(design: Design) -> dict[str, set[str]]:
    """The columns of the data that each variable of the formula is made of, by label."""
    sides = [design.formula.fixed, *(bar.effects for bar in design.formula.random)]
    return {v.label: {n.name for n in names_in(v.node)} for side in sides for v in side.variables}


def _moves_within(design: Design, label: str, term: RandomTerm) -> bool:
    """Whether a variable differs between rows of one level."""
    value = design.variables[label]
    if isinstance(value, Factor):
        return _varies(value.codes, term)
    return any(_varies(column, term) for column in value.values.reshape(value.values.shape[0], -1).T)


def _varies(values: np.ndarray, term: RandomTerm) -> bool:
    """Whether a column (n,) differs between rows of one level."""
    first = np.empty(term.n_levels)
    first[term.index] = values
    return bool((values != first[term.index]).any())
