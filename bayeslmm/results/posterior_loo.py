"""Leave-one-out cross-validation by Pareto-smoothed importance sampling (Vehtari, Gelman & Gabry 2017), by ArviZ."""

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from bayeslmm.results.convergence import ess_mean
from bayeslmm.results.frames import preformatted

if TYPE_CHECKING:
    from arviz_stats.utils import ELPDData


@dataclass(frozen=True, repr=False)
class Loo:
    """What `post.loo()` returns; `print` it or take its parts.

    Attributes
    ----------
    elpd
        ArviZ's object, for `arviz.compare({"a": a.elpd, "b": b.elpd})`.
    table
        DataFrame with rows `elpd_loo`, `p_loo`, `looic` and columns `estimate`, `se`.
    pointwise
        DataFrame by row of the data: `elpd`, `pareto_k`.
    """

    elpd: "ELPDData"
    table: pd.DataFrame
    pointwise: pd.DataFrame

    @property
    def n_bad(self) -> int:
        """How many rows have a Pareto k above the limit."""
        return int((self.pointwise["pareto_k"] > self.elpd.good_k).sum())

    @property
    def ok(self) -> bool:
        """Whether every Pareto k is below the limit."""
        return self.n_bad == 0

    def __str__(self) -> str:
        n, limit, worst = len(self.pointwise), self.elpd.good_k, self.pointwise["pareto_k"].max()
        lines = [f"PSIS-LOO from {self.elpd.n_samples} draws and {n} observations, given their random effects", ""]
        lines.append(self.table.to_string(float_format=lambda v: f"{v:.1f}", na_rep=""))
        if self.ok:
            return "\n".join(
                [*lines, "", f"Pareto k: all below {limit:.2f} (largest {worst:.2f}): the estimate can be used."]
            )
        rows = self.pointwise["pareto_k"].nlargest(min(self.n_bad, 5)).index
        lines += ["", f"Pareto k: {self.n_bad} of {n} observations above {limit:.2f} (largest {worst:.2f})."]
        lines.append(
            f"  The posterior changes much without them, so elpd is too optimistic: rows {', '.join(map(str, rows))}"
        )
        lines.append("  -> sample again without each of these rows, or leave out whole groups (K-fold by group)")
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return preformatted(str(self))


def psis_loo(tree: xr.DataTree) -> Loo:
    """PSIS-LOO of a tree with groups `posterior` and `log_likelihood`."""
    import arviz_stats

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Estimated shape parameter")
        elpd = arviz_stats.loo(tree, pointwise=True, var_name="y", reff=relative_efficiency(tree))
    pointwise = pd.DataFrame(
        {"elpd": elpd.elpd_i.to_numpy(), "pareto_k": elpd.pareto_k.to_numpy()},
        index=pd.Index(elpd.elpd_i["obs"].to_numpy(), name="obs"),
    )
    lpd = _log_mean_exp(tree["log_likelihood"]["y"].to_numpy())
    p_i = lpd - pointwise["elpd"].to_numpy()
    se_p = float(np.sqrt(p_i.size * p_i.var()))
    table = pd.DataFrame(
        {"estimate": [elpd.elpd, elpd.p, -2 * elpd.elpd], "se": [elpd.se, se_p, 2 * elpd.se]},
        index=["elpd_loo", "p_loo", "looic"],
    )
    return Loo(elpd, table, pointwise)


def relative_efficiency(tree: xr.DataTree) -> float:
    """Mean ESS of the likelihood of at most 100 rows, over the number of draws (Vehtari et al. 2017, section 2.1)."""
    values = tree["log_likelihood"]["y"]
    chosen = np.unique(np.linspace(0, values.sizes["obs"] - 1, min(values.sizes["obs"], 100)).astype(int))
    some = values.isel(obs=chosen).to_numpy()
    density = np.exp(some - some.max(axis=(0, 1)))
    ess = ess_mean(np.ascontiguousarray(density.transpose(2, 0, 1)))
    share = float(np.mean(ess)) / (density.shape[0] * density.shape[1])
    return float(min(share, 1.0)) if np.isfinite(share) else 1.0


def _log_mean_exp(values: np.ndarray) -> np.ndarray:
    """log mean exp over chain and draw, (obs,)."""
    top = values.max(axis=(0, 1))
    return top + np.log(np.exp(values - top).mean(axis=(0, 1)))
