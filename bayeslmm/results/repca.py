"""Principal components of the random effects: how many dimensions their covariance has (lme4's `rePCA`)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bayeslmm.results import rformat
from bayeslmm.results.table_export import Tabular

if TYPE_CHECKING:
    from bayeslmm.results.fit import Fit


@dataclass(frozen=True, repr=False)
class RePCA(Tabular):
    """What `fit.repca()` returns; `print` it, or take its tables.

    Attributes
    ----------
    table
        DataFrame: group, component, sd (in units of the residual sd, as lme4), share and cumulative share of the
        group's variance. A component with a share of zero is a direction without variance.
    loadings
        DataFrame: group, component, effect, loading; a column of unit length for each component.
    """

    table: pd.DataFrame
    loadings: pd.DataFrame

    def __str__(self) -> str:
        parts = []
        for group, own in self.table.groupby("group", sort=False):
            rows = {
                "Standard deviation": own["sd"],
                "Proportion of Variance": own["share"],
                "Cumulative Proportion": own["cumulative"],
            }
            columns = [[rformat.fixed(v, 4) for v in values] for values in zip(*rows.values(), strict=True)]
            text = rformat.columns_as_text(["", *own["component"]], [list(rows), *columns], [True, *[False] * len(own)])
            parts.append(f"{group}\n{text}")
        return "\n\n".join(parts)

    __repr__ = __str__

    def _for_paper(self) -> pd.DataFrame:
        return self.table


def repca(fit: "Fit") -> RePCA:
    """Singular value decomposition of each Lambda_t: sds are its singular values, loadings its left vectors."""
    tables, loadings = [], []
    for term, L in zip(fit.design.terms, fit.estimates.lambdas, strict=True):
        vectors, sd, _ = np.linalg.svd(L)
        total = float((sd**2).sum())
        share = sd**2 / total if total > 0 else np.full(term.k, np.nan)
        names = [f"PC{i + 1}" for i in range(term.k)]
        tables.append(
            pd.DataFrame(
                {"group": term.group, "component": names, "sd": sd, "share": share, "cumulative": np.cumsum(share)}
            )
        )
        loadings.append(
            pd.DataFrame(
                {
                    "group": term.group,
                    "component": np.repeat(names, term.k),
                    "effect": np.tile(np.array(term.effects, dtype=object), term.k),
                    "loading": vectors.T.ravel(),
                }
            )
        )
    return RePCA(pd.concat(tables, ignore_index=True), pd.concat(loadings, ignore_index=True))
