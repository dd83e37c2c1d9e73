"""What the design layer hands on, in arrays.

    y = offset + X beta + Z b + e,    e ~ N(0, sigma^2 W^-1),

with Z kept in its factors (columns and level indices), never as an n x q matrix.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from bayeslmm.design.formula import Formula
from bayeslmm.design.recipe import NewRows, NewTerm, Recipe
from bayeslmm.design.source import Source
from bayeslmm.design.values import Factor, Numeric, Value

__all__ = ["Design", "FixedTerm", "NewRows", "NewTerm", "RandomTerm", "Recipe"]


@dataclass(frozen=True, slots=True, eq=False)
class RandomTerm:
    """The random effects of one grouping factor: all bars that share it, as one term.

    Level `l` has effects `b_l ~ N(0, sigma^2 Lambda Lambda')`, shape (k,).

    Attributes
    ----------
    group
        Name of the grouping factor as lme4 writes it: `Subject`, `cask:batch`.
    effects
        The k names of the effects, as R writes them: `(Intercept)`, `Days`, `MachineB`.
    blocks
        The effects that are correlated with each other, as positions in `effects`: `((0, 1),)` for
        `(x | g)`, `((0,), (1,))` for `(x || g)`. Every position stands in exactly one block.
    Z
        (n, k): the values that multiply the effects; a view of X where X has the same columns.
    index
        (n,): the level that each row belongs to, 0 .. J-1. Every level occurs.
    levels
        The J labels, in the order of the factor; `a:b` for combined factors.
    apart
        Effects that share their name, but not their values, with a column of X: their factor is coded by treatment in
        the bar (`f2` is level 2) and otherwise in the fixed part (`f2` is the second contrast).
    """

    group: str
    effects: tuple[str, ...]
    blocks: tuple[tuple[int, ...], ...]
    Z: np.ndarray
    index: np.ndarray
    levels: tuple[str, ...]
    apart: frozenset[str] = frozenset()

    @property
    def coefficients(self) -> tuple[str, ...]:
        """The effects' names among the coefficients of a level, where one name must mean one column."""
        return tuple(f"{e} | {self.group}" if e in self.apart else e for e in self.effects)

    @property
    def k(self) -> int:
        """Number of effects per level."""
        return len(self.effects)

    @property
    def n_levels(self) -> int:
        """Number of levels J."""
        return len(self.levels)

    @property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """(row, column), below the diagonal, of the correlations that the model estimates."""
        return tuple((b[i], b[j]) for b in self.blocks for j in range(len(b)) for i in range(j + 1, len(b)))


@dataclass(frozen=True, slots=True, eq=False)
class FixedTerm:
    """One term of the fixed part, such as `recipe:temp`.

    Attributes
    ----------
    label
        As R writes it; `(Intercept)` for the intercept.
    factors
        The categorical variables in it (labels as written: `factor(nitro)`, `Variety`).
    numerics
        The numeric variables in it.
    columns
        Positions of its columns in X (after dropping collinear ones; may be empty).
    """

    label: str
    factors: frozenset[str]
    numerics: frozenset[str]
    columns: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """Formula and data as arrays.

    Attributes
    ----------
    formula
        What the user wrote, parsed.
    response
        Label of the response, as written.
    y
        (n,): the response.
    X
        (n, p): the fixed effects' columns, of full column rank.
    coef_names
        p names, as R writes them.
    fixed_terms
        The terms of the fixed part in R's order; the intercept first where there is one.
    terms
        The grouping factors, by decreasing number of levels as lme4 sorts them (ties: order of the formula).
    weights
        (n,): prior weights, all 1 where none were given; not to be written to.
    offset
        (n,): offset, all 0 where none was given; not to be written to.
    has_weights, has_offset
        Whether the user gave them.
    rows
        (n,): positions of the rows used, in the caller's data.
    n_missing
        Rows left out because a value was missing.
    dropped
        Names of collinear columns that were left out of X.
    contrasts
        For each categorical variable of the fixed part: the coding, such as "treatment".
    recipe
        How to make the same columns from new data.
    variables
        The variables of the fixed part on the rows used, by label: what `recode` needs.
    columns
        The data's columns behind the fixed part and the offset, by name, on all rows of the caller's data.
    weights_name, offset_name
        The column given as argument, "an array" where it was one, "" where there was none.
    source
        What it was built of, to build it again elsewhere; None for one that was put together by hand.
    """

    formula: Formula
    response: str
    y: np.ndarray
    X: np.ndarray
    coef_names: tuple[str, ...]
    fixed_terms: tuple[FixedTerm, ...]
    terms: tuple[RandomTerm, ...]
    weights: np.ndarray
    offset: np.ndarray
    has_weights: bool
    has_offset: bool
    rows: np.ndarray
    n_missing: int
    dropped: tuple[str, ...]
    contrasts: dict[str, str]
    recipe: Recipe
    variables: Mapping[str, Numeric | Factor] = field(default_factory=dict, repr=False)
    columns: Mapping[str, Value] = field(default_factory=dict, repr=False)
    weights_name: str = ""
    offset_name: str = ""
    source: Source | None = field(default=None, repr=False)

    @property
    def y_net(self) -> np.ndarray:
        """(n,): the response less the offset."""
        return self.y - self.offset if self.has_offset else self.y

    @property
    def n(self) -> int:
        """Number of rows used."""
        return self.y.shape[0]

    @property
    def p(self) -> int:
        """Number of fixed-effect coefficients."""
        return self.X.shape[1]
