"""Where the variance of a fit lies: R2, intraclass correlation, variances at chosen predictors."""

from collections.abc import Mapping
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayeslmm.design.nodes import names_in
from bayeslmm.errors import ArgumentError, did_you_mean
from bayeslmm.point.distributions import normal_quantile
from bayeslmm.point.icc import Share, icc_interval
from bayeslmm.point.shares import between_variances, mean_inverse_weight, r_squared, semi_partial, variances_at
from bayeslmm.results.checks import check_level

if TYPE_CHECKING:
    from bayeslmm.results.fit import Fit


def r2_table(fit: "Fit", by_term: bool) -> pd.Series | pd.DataFrame:
    """R2 marginal and conditional; or the semi-partial R2 of each term."""
    marginal, conditional = r_squared(fit.design, fit.estimates)
    if not by_term:
        return pd.Series({"marginal": marginal, "conditional": conditional}, name="r2")
    found = semi_partial(fit.design, fit.reml, marginal)
    table = pd.DataFrame({"semi_partial": pd.Series(found, dtype=float)})
    return table.rename_axis("term")


def icc_shares(fit: "Fit", by_group: bool) -> float | pd.Series:
    """Share of the variance between groups, in all or of each grouping factor."""
    between = between_variances(fit.design, fit.estimates.covariances)
    share = between / (between.sum() + fit.sigma**2 * mean_inverse_weight(fit.design))
    groups = [t.group for t in fit.design.terms]
    return pd.Series(share, index=groups, dtype=float, name="icc") if by_group else float(share.sum())


def icc_table(fit: "Fit", by_group: bool, level: float) -> pd.Series | pd.DataFrame:
    """The same with profile-likelihood intervals: estimate, lower, upper."""
    z = normal_quantile(0.5 + check_level(level) / 2)
    theta, groups = fit.optimum.theta, fit.design.terms
    wanted = (
        {t.group: frozenset([i]) for i, t in enumerate(groups)} if by_group else {"icc": frozenset(range(len(groups)))}
    )
    rows = {}
    for name, positions in wanted.items():
        share = Share.of(fit.design, fit.likelihood, positions)
        rows[name] = (share.value(theta), *icc_interval(fit.likelihood, theta, fit.reml, share, z))
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["estimate", "lower", "upper"])
    return table.rename_axis("group") if by_group else table.loc["icc"]


def partition_table(fit: "Fit", at: Any) -> pd.DataFrame:
    """Variance of each grouping factor and of the residuals, and their shares, at chosen values of the predictors."""
    needed = _needed(fit)
    if at is None and needed:
        shown = ", ".join(f"`{n}`" for n in needed)
        raise ArgumentError(
            f"the variance between groups depends on {shown}; say where to look, such as "
            f"variance_partition(at={{{', '.join(f'"{n}": [...]' for n in needed)}}})"
        )
    points = _grid(at, needed) if isinstance(at, Mapping) else pd.DataFrame(index=[0]) if at is None else at
    if needed:
        Z = fit.design.recipe.effects(points)
    else:
        Z = tuple(np.repeat(t.Z[:1], max(1, len(points)), axis=0) for t in fit.design.terms)
    variances = np.vstack([variances_at(Z, fit.estimates.covariances), np.full((1, Z[0].shape[0]), fit.sigma**2)])
    share = variances / variances.sum(axis=0)
    labels = [*(t.group for t in fit.design.terms), "Residual"]
    m = variances.shape[1]
    columns = {n: np.repeat(np.asarray(pd.DataFrame(points)[n]), len(labels)) for n in needed}
    return pd.DataFrame(
        {
            **columns,
            "group": labels * m,
            "variance": variances.T.ravel(),
            "sd": np.sqrt(variances.T.ravel()),
            "share": share.T.ravel(),
        }
    )


def _needed(fit: "Fit") -> list[str]:
    """Columns that stand left of a bar."""
    nodes = [v.node for bar in fit.design.formula.random for v in bar.effects.variables]
    return list(dict.fromkeys(n.name for node in nodes for n in names_in(node) if n.name in fit.design.recipe.kinds))


def _grid(at: Mapping[str, Any], needed: list[str]) -> pd.DataFrame:
    """All combinations of the values."""
    for name in at:
        if name not in needed:
            hint = did_you_mean(name, needed) if needed else "; no variance of this model depends on a predictor"
            raise ArgumentError(f"variance_partition(at=...): no variance depends on `{name}`{hint}")
    missing = [n for n in needed if n not in at]
    if missing:
        raise ArgumentError(f"variance_partition(at=...): the variances depend on `{missing[0]}` too; give its values")
    values = [v if isinstance(v, list | tuple | np.ndarray | pd.Series | range) else [v] for v in at.values()]
    return pd.DataFrame(list(product(*values)), columns=list(at))
