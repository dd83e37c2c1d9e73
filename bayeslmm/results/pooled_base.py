"""The fits of multiply imputed data, and what every chapter of `PooledFits` reads."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayeslmm.point.ddf import Ddf, check_ddf, inference
from bayeslmm.point.imputed import Imputed, Shares
from bayeslmm.results.fit import Fit
from bayeslmm.results.table_export import Tabular

RULES = "pooled by Rubin's rules with Barnard and Rubin's df; several together by D1 (Li, Raghunathan & Rubin 1991)"


@dataclass(frozen=True, repr=False)
class PooledBase(Tabular):
    """The field of `PooledFits`, which documents it."""

    fits: tuple[Fit, ...]

    @property
    def m(self) -> int:
        """How many imputations."""
        return len(self.fits)

    def _inference(self, ddf: Ddf) -> Imputed:
        """Rubin's rules over the tests by one method."""
        check_ddf(ddf)
        each = tuple(inference(ddf, f.design, f.likelihood, f.optimum, f.estimates.vcov, f.reml) for f in self.fits)
        return Imputed.of(np.array([f.estimates.beta for f in self.fits]), each)


def costs(cost: Shares, m: int) -> pd.DataFrame:
    """What missing values cost, and the efficiency relative to infinitely many imputations."""
    return pd.DataFrame({"lambda": cost.share, "riv": cost.riv, "fmi": cost.fmi, "re": 1 / (1 + cost.fmi / m)})
