"""Cross-validation of rows and groups by Pareto-smoothed importance sampling, PSIS (Vehtari, Gelman & Gabry 2017).

Exact: with phi = (sd, cor, sigma) and the coefficients whose prior is neither normal nor flat,

    p(y_i | y_-i) = integral p(y_i | y_-i, phi) p(phi | y_-i) dphi,    p(phi | y_-i) = c p(phi | y) / p(y_i | y_-i, phi)

so that p(y_i | y_-i, phi), in which b and beta are integrated out exactly (`left_out`), takes the place of the
likelihood in PSIS. Only phi is reweighted, which single rows hardly change (Vehtari et al. 2016, JMLR 17(103), section
3; Merkle, Furr & Rabe-Hesketh 2019, Psychometrika 84, 802-829). Conditional: the likelihood given the random effects,
which have to be reweighted as well.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import ndtr

from bayeslmm.errors import ArgumentError
from bayeslmm.results.convergence import ess_mean
from bayeslmm.results.posterior_draws import Draws
from bayeslmm.results.posterior_left_out import integrated, without_each_level, without_each_row
from bayeslmm.results.table_export import Tabular

NUMBERS, FEWEST = 20_000_000, 400  # draws x rows that are held at once, some 1.5 GB with all that PSIS makes of them
CONDITIONAL = "given their random effects (conditional)"
EXACT = "random effects and coefficients integrated out exactly"

if TYPE_CHECKING:
    from arviz_stats.utils import ELPDDataLOO


@dataclass(frozen=True, repr=False)
class Loo(Tabular):
    """What `post.loo()` and `post.logo(g)` return; `print` it or take its parts.

    Attributes
    ----------
    elpd
        ArviZ's object, for `arviz.compare({"a": a.elpd, "b": b.elpd})`.
    table
        DataFrame with columns `estimate`, `se` and rows `elpd_loo`, `p_loo`, `looic`; `elpd_logo`, `logoic` of groups.
    pointwise
        DataFrame by row of the data, or by level: `elpd`, `pareto_k`.
    data
        DataTree with the groups `posterior` and `log_likelihood` that PSIS was given, for ArviZ.
    group
        The grouping factor whose levels were left out; "" where rows were.
    conditional
        Whether the random effects were given rather than integrated out.
    n_rows
        Rows of the data.
    given
        Coefficients that were taken from the draws because of their prior.
    available
        Draws that the posterior has; more than were used where there are very many rows.
    pit
        (n,): P(a new response in its place is below the observed one | all other rows), uniform where the model holds;
        None of groups, and given the random effects.
    p_i
        (rows or levels,): effective parameters that each counts for.
    refitted
        Rows or levels left out by sampling again; None where that was not asked for.
    poorly_refitted
        Those of them whose draws have faults.
    """

    elpd: "ELPDDataLOO"
    table: pd.DataFrame
    pointwise: pd.DataFrame
    data: xr.DataTree
    group: str = ""
    conditional: bool = True
    n_rows: int = 0
    given: tuple[str, ...] = ()
    available: int = 0
    pit: np.ndarray | None = None
    p_i: np.ndarray = field(default_factory=lambda: np.empty(0))
    refitted: tuple[object, ...] | None = None
    poorly_refitted: tuple[object, ...] = ()

    @property
    def n_bad(self) -> int:
        """How many rows, or levels, have a Pareto k above the limit."""
        return int((self.pointwise["pareto_k"] > self.elpd.good_k).sum())

    @property
    def ok(self) -> bool:
        """Whether every Pareto k is below the limit."""
        return self.n_bad == 0

    def __str__(self) -> str:
        n, limit, worst = len(self.pointwise), self.elpd.good_k, self.pointwise["pareto_k"].max()
        lines = [*self._head(n), "", self.table.to_string(float_format=lambda v: f"{v:.1f}", na_rep=""), ""]
        lines += self._refits()
        if self.ok:
            return "\n".join(
                [*lines, f"Pareto k: all below {limit:.2f} (largest {worst:.2f}): the estimate can be used."]
            )
        units, many = ("levels", "levels") if self.group else ("rows", "observations")
        bad = self.pointwise["pareto_k"].nlargest(min(self.n_bad, 5)).index
        call = f'post.logo("{self.group}", refit=True)' if self.group else "post.loo(refit=True)"
        cure = f"{call} samples again without each of these {units}"
        if self.conditional:
            cure = "post.loo() integrates the random effects out, which leaves few such rows or none"
        return "\n".join(
            [
                *lines,
                f"Pareto k: {self.n_bad} of {n} {many} above {limit:.2f} (largest {worst:.2f}).",
                f"  The posterior changes much without them, so elpd is too optimistic: {units} "
                + ", ".join(map(str, bad)),
                f"  -> {cure}",
            ]
        )

    def _refits(self) -> list[str]:
        """What was sampled again."""
        if self.refitted is None:
            return []
        units = "levels" if self.group else "rows"
        if not self.refitted:
            return [f"Refitted: no {units}, since no Pareto k was above the limit."]
        count = f"{len(self.refitted)} of {len(self.pointwise)} {units}"
        said = f"Refitted: {count}, sampled again without each of them: {_first_five(self.refitted)}"
        poor = f"  The draws without these have faults: {_first_five(self.poorly_refitted)}"
        return [said, poor] if self.poorly_refitted else [said]

    def _head(self, n: int) -> list[str]:
        """What was left out, and what it was predicted from."""
        used = self.elpd.n_samples
        draws = f"from {used} draws"
        if self.available > used:
            draws = f"from {used} of {self.available} draws (loo(draws={self.available}) takes all)"
        if self.group:
            return [f"PSIS-LOGO {draws}: {n} levels of `{self.group}` with {self.n_rows} observations", self._how]
        return [f"PSIS-LOO {draws} and {n} observations", self._how]

    @property
    def _how(self) -> str:
        if self.conditional:
            return CONDITIONAL
        return EXACT + (f" but for {', '.join(f'`{g}`' for g in self.given)}" if self.given else "")

    __repr__ = __str__

    def _for_paper(self) -> pd.DataFrame:
        return self.table


def exact_loo(draws: Draws, priors: object, obs: np.ndarray, wanted: int | None = None) -> Loo:
    """Leave out each row, b and beta integrated out; `wanted` draws, or as many as memory is good for."""
    available = draws.size
    draws = _some(draws, wanted)
    posterior = integrated(draws, priors)
    found = without_each_row(posterior)
    assert found.score is not None
    loo = psis_loo(_tree(draws, found.without, "obs", obs), found.within)
    weights = np.exp(loo.elpd.log_weights.transpose("chain", "draw", "obs").to_numpy().reshape(found.score.shape))
    pit = (weights * ndtr(found.score)).sum(axis=0) / weights.sum(axis=0)
    return replace(loo, conditional=False, given=posterior.conditioned, available=available, pit=pit)


def _some(draws: Draws, wanted: int | None) -> Draws:
    """Draws evenly spread over every chain."""
    if wanted is not None and (isinstance(wanted, bool) or not isinstance(wanted, int | np.integer) or wanted < FEWEST):
        raise ArgumentError(f"loo(draws={wanted!r}): how many draws to use, at least {FEWEST}")
    chains, each = draws.shape
    most = wanted or max(FEWEST, NUMBERS // max(draws.design.n, 1))
    if most >= draws.size:
        return draws
    kept = np.unique(np.linspace(0, each - 1, max(1, most // chains)).astype(int))
    return Draws(draws.posterior.isel(draw=kept), draws.design)


def exact_logo(draws: Draws, priors: object, group: str) -> Loo:
    """Leave out each level of a grouping factor, b and beta integrated out."""
    posterior = integrated(draws, priors)
    levels, without = without_each_level(posterior, group)
    loo = psis_loo(_tree(draws, without, group, np.array(levels, dtype=object)))
    table = loo_table(loo.elpd, loo.p_i, group)
    rows = draws.design.n
    return replace(loo, table=table, group=group, conditional=False, n_rows=rows, given=posterior.conditioned)


def psis_loo(tree: xr.DataTree, within: np.ndarray | None = None) -> Loo:
    """PSIS of a tree with groups `posterior` and `log_likelihood`.

    Parameters
    ----------
    tree
        Its `y` (chain, draw, rows or levels) is the log of what the draws are weighted by one over.
    within
        (m,): log predictive density of each row with that row in the data, to count the effective number of parameters;
        None where `y` gives it.
    """
    y = tree["log_likelihood"]["y"]
    dim = str(y.dims[2])
    import arviz_stats

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Estimated shape parameter")
        elpd = arviz_stats.loo(tree, pointwise=True, var_name="y", reff=relative_efficiency(tree))
    pointwise = pd.DataFrame(
        {"elpd": elpd.elpd_i.to_numpy(), "pareto_k": elpd.pareto_k.to_numpy()},
        index=pd.Index(elpd.elpd_i[dim].to_numpy(), name=dim),
    )
    lpd = _log_mean_exp(y.to_numpy()) if within is None else within
    p_i = lpd - pointwise["elpd"].to_numpy()
    elpd.p = float(p_i.sum())
    return Loo(elpd, loo_table(elpd, p_i, ""), pointwise, tree, p_i=p_i)


def loo_table(elpd: "ELPDDataLOO", p_i: np.ndarray, group: str) -> pd.DataFrame:
    """Estimates with standard errors, of rows or of the levels of a group."""
    se_p = float(np.sqrt(p_i.size * p_i.var()))
    table = pd.DataFrame(
        {"estimate": [elpd.elpd, float(p_i.sum()), -2 * elpd.elpd], "se": [elpd.se, se_p, 2 * elpd.se]},
        index=["elpd_loo", "p_loo", "looic"],
    )
    return table.drop("p_loo").rename({"elpd_loo": "elpd_logo", "looic": "logoic"}) if group else table


def _first_five(units: Sequence[object]) -> str:
    return ", ".join(map(str, units[:5])) + (", ..." if len(units) > 5 else "")


def _tree(draws: Draws, values: np.ndarray, dim: str, labels: np.ndarray) -> xr.DataTree:
    """The draws of sigma, and `y` (chain, draw, dim) as their log likelihood."""
    coords = {"chain": draws.posterior["chain"], "draw": draws.posterior["draw"], dim: labels}
    y = xr.Dataset({"y": (("chain", "draw", dim), values.reshape(*draws.shape, -1))}, coords)
    return xr.DataTree.from_dict({"posterior": draws.posterior[["sigma"]], "log_likelihood": y})


def relative_efficiency(tree: xr.DataTree) -> float:
    """Mean ESS of the likelihood of at most 100 rows, over the number of draws (Vehtari et al. 2017, section 2.1)."""
    values = tree["log_likelihood"]["y"].to_numpy()
    chosen = np.unique(np.linspace(0, values.shape[2] - 1, min(values.shape[2], 100)).astype(int))
    some = values[:, :, chosen]
    density = np.exp(some - some.max(axis=(0, 1)))
    ess = ess_mean(np.ascontiguousarray(density.transpose(2, 0, 1)))
    share = float(np.mean(ess)) / (density.shape[0] * density.shape[1])
    return float(min(share, 1.0)) if np.isfinite(share) else 1.0


def _log_mean_exp(values: np.ndarray) -> np.ndarray:
    """log mean exp over chain and draw, (obs,)."""
    top = values.max(axis=(0, 1))
    return top + np.log(np.exp(values - top).mean(axis=(0, 1)))
