"""Posteriors of multiply imputed data as one: their draws, stacked (Gelman et al. 2013, Bayesian Data Analysis, 18.2).

The posterior given what was observed is the average over imputations of the posteriors given the completed data; equal
numbers of draws of each are draws of it. Draws are interleaved, so that every chain runs through all imputations
evenly: what chains disagree on shows in R-hat, what imputations disagree on does not.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
import xarray as xr

from bayeslmm.errors import ArgumentError
from bayeslmm.results.pooled import check_same
from bayeslmm.results.posterior import Posterior
from bayeslmm.results.table_export import Tabular


@dataclass(frozen=True, repr=False)
class PooledPosterior(Tabular):
    """What `blm.pool` makes of posteriors of multiply imputed data.

    Attributes
    ----------
    posteriors
        The m posteriors: what depends on the rows, such as `loo()` or `check()`, is asked of each.
    posterior
        The stacked draws as one `Posterior`: `summary()`, `hypothesis()`, `contrast()`, `ranef()`, pictures, and
        predictions for new data. Its `design` is that of the first imputation.
    """

    posteriors: tuple[Posterior, ...]
    posterior: Posterior

    @property
    def m(self) -> int:
        """How many imputations."""
        return len(self.posteriors)

    @cached_property
    def table(self) -> pd.DataFrame:
        """By coefficient, sd, correlation and sigma: `estimate`, `sd`, `lower`, `upper`, and `missing`.

        `missing` is the share of the posterior variance that lies between the imputations.
        """
        summary = self.posterior.summary()
        columns = ["estimate", "sd", "lower", "upper"]
        table = pd.concat([summary.fixed[columns], summary.random[columns]])
        each = [p.summary() for p in self.posteriors]
        means = np.array([pd.concat([s.fixed["estimate"], s.random["estimate"]]) for s in each])
        variance = table["sd"].to_numpy() ** 2
        between = np.divide(means.var(axis=0), variance, out=np.zeros_like(variance), where=variance > 0)
        return table.assign(missing=np.minimum(between, 1.0))

    def diagnostics(self) -> pd.DataFrame:
        """Every check of every imputation's draws that did not pass: `imputation`, `check`, `verdict`, `next_step`."""
        rows = []
        for i, post in enumerate(self.posteriors):
            checks = post.diagnostics().table
            bad = checks[~checks["ok"].astype(bool)]
            rows += [(i + 1, str(name), r["verdict"], r["next_step"]) for name, r in bad.iterrows()]
        return pd.DataFrame(rows, columns=["imputation", "check", "verdict", "next_step"])

    @property
    def fixef(self) -> pd.Series:
        """Posterior means of the fixed effects."""
        return self.posterior.fixef

    def __str__(self) -> str:
        bad = self.diagnostics()["imputation"].nunique()
        told = f"! draws of {bad} imputations need a closer look: .diagnostics()" if bad else "all draws passed"
        head = f"Posterior of {self.m} imputed data sets, stacked: {self.posterior.design.formula.text}"
        shown = self.table.to_string(float_format=lambda v: f"{v:.4g}")
        note = "missing: share of the variance that lies between imputations"
        return f"{head}\n\n{shown}\n\n{note}\ndiagnostics of each imputation: {told}"

    __repr__ = __str__

    def _for_paper(self) -> pd.DataFrame:
        return self.table


def pool_posteriors(found: Sequence[Posterior]) -> PooledPosterior:
    """Stack the draws of posteriors.

    Raises
    ------
    ArgumentError
        They are of different models, levels, or numbers of draws.
    """
    check_same(found)
    first = found[0]
    shapes = {p.draws.shape for p in found}
    if len(shapes) > 1:
        shown = ", ".join(f"{c} x {d}" for c, d in sorted(shapes))
        raise ArgumentError(f"pool: the posteriors have different numbers of draws ({shown}); sample all alike")
    for i, other in enumerate(found[1:], start=2):
        for a, b in zip(first.design.terms, other.design.terms, strict=True):
            if a.levels != b.levels:
                raise ArgumentError(
                    f"pool: number {i} has other levels of `{a.group}` than the first; impute rows, not groups"
                )
    groups = [g for g in ("posterior", "sample_stats") if all(g in p.data.children for p in found)]
    tree = xr.DataTree.from_dict({g: _interleaved([p.data[g].to_dataset() for p in found]) for g in groups})
    tree.attrs = dict(first.data.attrs)
    return PooledPosterior(tuple(found), replace(first, data=tree))


def _interleaved(datasets: Sequence[xr.Dataset]) -> xr.Dataset:
    """Draw d of imputation j as draw d m + j."""
    names = [n for n in datasets[0].data_vars if all(n in d for d in datasets)]
    m, draws = len(datasets), datasets[0].sizes["draw"]
    variables = {}
    for name in names:
        dims = ("chain", "draw", *(d for d in datasets[0][name].dims if d not in ("chain", "draw")))
        if "draw" not in datasets[0][name].dims:
            continue
        every = np.stack([d[name].transpose(*dims).to_numpy() for d in datasets], axis=2)
        variables[name] = (dims, every.reshape(every.shape[0], draws * m, *every.shape[3:]))
    used = {d for dims, _ in variables.values() for d in dims}
    coords = {d: datasets[0][d].to_numpy() for d in used if d != "draw" and d in datasets[0].coords}
    return xr.Dataset(variables, {**coords, "draw": np.arange(draws * m)})
