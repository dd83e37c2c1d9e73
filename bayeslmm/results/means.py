"""Means, comparisons of means, and slopes: the same linear functions for a fit and for a posterior.

`Request` turns what the user asks for into linear functions of the coefficients (see `design.reference_grid`). A fit
tests them (`Request.of_fit`), a posterior summarises c + L beta over its draws (see `posterior_means`).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from bayeslmm.design import Design
from bayeslmm.design.comparisons import Comparisons, comparisons
from bayeslmm.design.linear import LinearFunctions
from bayeslmm.design.reference_grid import ReferenceGrid, check_weights, reference_grid
from bayeslmm.design.slope_grid import slope_depends_on, slope_grid
from bayeslmm.errors import ArgumentError
from bayeslmm.point.inference import Inference
from bayeslmm.point.linear_tests import RowTests, row_tests
from bayeslmm.point.multiplicity import Adjust, check_adjust, family_of_means
from bayeslmm.results.contrasts import table_text, test_notes, tests_frame
from bayeslmm.results.table_export import Tabular

Names = str | Sequence[str] | None
type At = Mapping[str, Any] | None


@dataclass(frozen=True)
class Means(Tabular):
    """What `means`, `contrasts` and `slopes` return; `print` it, or take `table`.

    Attributes
    ----------
    table
        DataFrame: the predictors or the contrast, then of a fit `estimate`, `se`, `df`, `lower`, `upper`, `t`, `p`; of
        a posterior `estimate` (mean), `se` (sd), `lower`, `upper`, `p_positive` (probability that it is positive).
    functions
        The linear functions of the coefficients behind the rows.
    notes
        How the numbers were made.
    """

    table: pd.DataFrame
    functions: LinearFunctions
    notes: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join([table_text(self.table), *self.notes])

    __repr__ = __str__

    def _for_paper(self) -> pd.DataFrame:
        return self.table


@dataclass(frozen=True)
class Request:
    """Linear functions, the families in which they are tested, and what to say about them."""

    comparisons: Comparisons
    notes: tuple[str, ...]

    @classmethod
    def means(cls, design: Design, specs: Names, by: Names, at: At, weights: str) -> "Request":
        """Means at every combination of `specs` and `by`."""
        grid = reference_grid(design, at)
        names = [*_listed(specs, "specs"), *_listed(by, "by")]
        return cls.one_family(grid.means(names, check_weights(weights)), _averaged(grid, names, weights))

    @classmethod
    def slopes(cls, design: Design, variable: str, by: Names, at: At, weights: str) -> "Request":
        """Derivatives of the mean by a numeric predictor, at every combination of `by`."""
        grid = slope_grid(design, variable, at)
        names = _listed(by, "by")
        found = grid.means(names, check_weights(weights))
        labels = found.labels if names else {"slope": [variable]}
        notes = (
            f"slopes of {variable}",
            *_averaged(grid, names, weights, slope_depends_on(design, variable, at, grid)),
        )
        return cls.one_family(LinearFunctions.of(found.L, labels, constant=found.constant), notes)

    @classmethod
    def contrasts(
        cls,
        design: Design,
        specs: Names,
        method: Any,
        by: Names,
        at: At,
        weights: str,
        ref: Any,
    ) -> "Request":
        """Comparisons of the means of `specs`, within every combination of `by`."""
        grid = reference_grid(design, at)
        names, within = _listed(specs, "specs"), _listed(by, "by")
        if not names:
            raise ArgumentError("contrasts: name the factor whose means are compared")
        means = grid.means([*names, *within], check_weights(weights))
        return cls(comparisons(means, within, method, ref), _averaged(grid, [*names, *within], weights))

    @classmethod
    def one_family(cls, functions: LinearFunctions, notes: tuple[str, ...]) -> "Request":
        """Functions that are tested together."""
        return cls(Comparisons(functions, np.zeros(functions.m, dtype=int), 0), notes)

    def of_fit(self, beta: np.ndarray, inference: Inference, adjust: str | None, level: float) -> Means:
        """Test each function, adjusted within its family."""
        functions, family = self.comparisons.functions, self.comparisons.family
        method: Adjust = check_adjust(adjust)
        estimate = functions.values(beta)
        parts = [np.flatnonzero(family == f) for f in np.unique(family)]
        n_means = self.comparisons.n_means
        if method == "tukey" and family_of_means(parts[0].size) != n_means:
            raise ArgumentError('adjust="tukey" is for all pairwise differences; use adjust="mvt", which is for any')
        found = [
            row_tests(functions.L[i], estimate[i], functions.null[i], inference, method, level, n_means) for i in parts
        ]
        order = np.argsort(np.concatenate(parts))
        rows = RowTests(*(np.concatenate([getattr(r, c) for r in found])[order] for c in RowTests.__slots__))
        notes = test_notes(inference, method, level, parts[0].size, n_means)
        return Means(tests_frame(functions, rows), functions, (*self.notes, *notes))


def adjustment(adjust: Adjust | Literal["default"] | None, method: Any) -> Adjust | None:
    """How comparisons are adjusted; by default all pairs by Tukey's method, those with one level by mvt, others not."""
    if adjust != "default":
        return adjust
    defaults: dict[str, Adjust] = {"pairwise": "tukey", "revpairwise": "tukey", "trt.vs.ctrl": "mvt"}
    return defaults.get(method, "none") if isinstance(method, str) else "none"


def _listed(names: Names, argument: str) -> list[str]:
    if names is None:
        return []
    if isinstance(names, str):
        return [names]
    if not all(isinstance(n, str) for n in names):
        raise ArgumentError(f"{argument} is a predictor's name or a list of names; got {names!r}")
    return list(names)


def _averaged(
    grid: ReferenceGrid, names: Sequence[str], weights: str, among: Collection[str] | None = None
) -> tuple[str, ...]:
    """What the means are averaged over, and where numeric predictors are; `among` are those that matter, None all."""
    others = {n: p for n, p in grid.predictors.items() if n not in names and (among is None or n in among)}
    over = [n for n, p in others.items() if len(p.values) > 1]
    fixed = [f"{n} = {_short(p.values[0])}" for n, p in others.items() if len(p.values) == 1]
    notes = (f"averaged over {', '.join(over)} with {weights} weights",) if over else ()
    return (*notes, *((f"at {', '.join(fixed)}",) if fixed else ()))


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
