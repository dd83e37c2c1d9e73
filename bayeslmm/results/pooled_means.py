"""Marginal means, comparisons and slopes over imputations, by Rubin's rules for each estimate.

With L_j the functions on the columns of the jth data set, estimates are Q_j = c_j + L_j beta_j with variances
L_j V_j L_j'. Numeric predictors are held at the same values in all: where the user names none, at the mean of their
means. So a transform that learned something else from each data set, as poly() or scale(), is no difference.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from bayeslmm.design.linear import LinearFunctions
from bayeslmm.design.reference_grid import Weights, reference_grid
from bayeslmm.errors import ArgumentError
from bayeslmm.point.ddf import Ddf
from bayeslmm.point.imputed import Imputed
from bayeslmm.point.mapped import Mapped
from bayeslmm.point.multiplicity import Adjust
from bayeslmm.results.checks import check_level
from bayeslmm.results.fit import Fit
from bayeslmm.results.means import At, Means, Names, Request, adjustment
from bayeslmm.results.pooled_base import RULES, PooledBase, costs


class PooledMeans(PooledBase):
    """What the coefficients say of means."""

    def means(
        self,
        specs: Names = None,
        by: Names = None,
        at: At = None,
        weights: Weights = "equal",
        ddf: Ddf = "satterthwaite",
        adjust: Adjust | None = None,
        level: float = 0.95,
    ) -> Means:
        """Pooled marginal means.

        Parameters
        ----------
        specs, by, at, weights, adjust, level
            As for `Fit.means`; numeric predictors are at the mean over all imputations by default.
        ddf
            As for `tests`.

        Returns
        -------
        Means
            As of `Fit.means`; `table` has `lambda`, `riv`, `fmi` and `re`, too.
        """
        return self._pooled(at, lambda f, held: Request.means(f.design, specs, by, held, weights), ddf, adjust, level)

    def contrasts(
        self,
        specs: Names,
        method: Any = "pairwise",
        by: Names = None,
        at: At = None,
        weights: Weights = "equal",
        ref: Any = None,
        ddf: Ddf = "satterthwaite",
        adjust: Adjust | Literal["default"] | None = "default",
        level: float = 0.95,
    ) -> Means:
        """Pooled comparisons of marginal means.

        Parameters
        ----------
        specs, method, by, at, weights, ref, adjust, level
            As for `Fit.contrasts`.
        ddf
            As for `tests`.
        """

        def make(fit: Fit, held: At) -> Request:
            return Request.contrasts(fit.design, specs, method, by, held, weights, ref)

        return self._pooled(at, make, ddf, adjustment(adjust, method), level)

    def slopes(
        self,
        variable: str,
        by: Names = None,
        at: At = None,
        weights: Weights = "equal",
        ddf: Ddf = "satterthwaite",
        adjust: Adjust | None = None,
        level: float = 0.95,
    ) -> Means:
        """Pooled slopes of the mean in a numeric predictor.

        Parameters
        ----------
        variable, by, at, weights, adjust, level
            As for `Fit.slopes`.
        ddf
            As for `tests`.
        """
        return self._pooled(
            at, lambda f, held: Request.slopes(f.design, variable, by, held, weights), ddf, adjust, level
        )

    def _pooled(self, at: At, make: Callable[[Fit, At], Request], ddf: Ddf, adjust: str | None, level: float) -> Means:
        held = same_values(self.fits, at)
        requests = [make(fit, held) for fit in self.fits]
        request, inference = pooled_functions(requests, self._inference(ddf))
        found = request.of_fit(inference.beta.mean(axis=0), inference, adjust, check_level(level))
        known = np.flatnonzero(np.isfinite(request.comparisons.functions.L).all(axis=1))
        cost = costs(inference.shares(request.comparisons.functions.L[known]), self.m).set_axis(known)
        return replace(found, table=found.table.join(cost), notes=(*found.notes, RULES))


def same_values(fits: Sequence[Fit], at: At) -> dict[str, Any]:
    """Where predictors are held: as asked for, and numeric ones at the mean of their means in the data sets."""
    grids = [reference_grid(f.design, at).predictors for f in fits]
    held = dict(at or {})
    for name, predictor in grids[0].items():
        if name not in held and predictor.codes is None:
            held[name] = float(np.mean([np.mean(grid[name].values) for grid in grids]))
    return held


def pooled_functions(requests: Sequence[Request], inference: Imputed) -> tuple[Request, Imputed]:
    """The functions as coefficients of their own: the request for them, and Rubin's rules for these.

    Raises
    ------
    ArgumentError
        The data sets have other levels, so that they do not give the same functions.
    """
    parts = [r.comparisons.functions for r in requests]
    first = parts[0]
    for other in parts[1:]:
        if any(list(other.labels[n]) != list(first.labels[n]) for n in first.labels):
            raise ArgumentError("the imputed data sets have different levels of these predictors; name some with at=")
    lost = np.any([np.isnan(f.L).any(axis=1) for f in parts], axis=0)
    L = [np.where(lost[:, None], 0.0, f.L) for f in parts]
    h = np.array([f.constant + M @ b for f, M, b in zip(parts, L, inference.beta, strict=True)])
    each = tuple(Mapped.of(i, M) for i, M in zip(inference.each, L, strict=True))
    unit = np.where(lost[:, None], np.nan, np.eye(first.m))
    functions = LinearFunctions.of(unit, first.labels, null=first.null)
    comparisons = replace(requests[0].comparisons, functions=functions)
    return replace(requests[0], comparisons=comparisons), Imputed.of(h, each)
