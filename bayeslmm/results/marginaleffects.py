"""A fit as the package marginaleffects takes it: through `ModelAbstract`, its interface for models of others.

Predictions are those of the population, X beta; the random effects are zero.
"""

from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import polars as pl
from marginaleffects.classes import ModelAbstract, ModelVault

from bayeslmm.design.nodes import names_in
from bayeslmm.errors import ArgumentError, DataError

if TYPE_CHECKING:
    from bayeslmm.design import Design
    from bayeslmm.results.fit import Fit


class MarginalEffects(ModelAbstract):
    """What `predictions`, `comparisons`, `slopes` and `hypotheses` of marginaleffects take."""

    def __init__(self, fit: "Fit", data: Any):
        design = fit.design
        self._design = design
        vault = ModelVault(
            coef=fit.estimates.beta,
            coefnames=np.array(design.coef_names),
            formula=_columns,
            modeldata=_used(design, data),
            package="bayeslmm",
            vcov=fit.estimates.vcov,
            variable_names=[_response(design), *_predictors(design)],
        )
        super().__init__(fit, vault)

    def get_exog(self, newdata: pl.DataFrame) -> np.ndarray:
        """Columns X (m, p) of new rows."""
        return self._design.recipe.rows(newdata, groups=()).X

    def get_predict(self, params: np.ndarray, newdata: Any) -> pl.DataFrame:
        """Predictions X beta for columns X (m, p) as `get_exog` gives them."""
        X = np.asarray(newdata, dtype=float)
        return pl.DataFrame({"rowid": np.arange(X.shape[0], dtype=np.int32), "estimate": X @ np.ravel(params)})

    def get_vcov(self, vcov: Any = True) -> np.ndarray | None:
        """Covariance (p, p) of the coefficients; None where it is not wanted."""
        if vcov is False:
            return None
        if vcov is not True and vcov is not None:
            raise ArgumentError(f"vcov={vcov!r}: a mixed model has its own covariance, vcov=True")
        return self.vault.vcov


def _columns(_: Any) -> None:
    """Stand for the formula, which is read by bayeslmm alone."""


def _response(design: "Design") -> str:
    return next(iter(n for n in design.formula.names() if n not in design.formula.names(response=False)), "")


def _predictors(design: "Design") -> list[str]:
    """The columns of the fixed part."""
    nodes = [v.node for v in design.formula.fixed.variables]
    return [n for n in design.recipe.kinds if any(n == x.name for node in nodes for x in names_in(node))]


def _used(design: "Design", data: Any) -> pl.DataFrame:
    """The rows that were used, factors with the levels of the fit."""
    frame = nw.from_native(data, eager_only=True)
    needed = [_response(design), *_predictors(design)]
    missing = [name for name in needed if name not in frame.columns]
    if missing:
        raise DataError(f"the data have no column `{missing[0]}`; give the data that the fit was made from")
    if len(frame) != design.rows.size + design.n_missing:
        raise DataError(
            f"the data have {len(frame)} rows, those of the fit {design.rows.size + design.n_missing}; give the data "
            "that the fit was made from"
        )
    taken = {name: frame[name].to_numpy()[design.rows] for name in needed}
    return pl.DataFrame({name: _series(design, name, values) for name, values in taken.items()})


def _series(design: "Design", name: str, values: np.ndarray) -> pl.Series:
    factor = design.recipe.kinds[name].factor if name in design.recipe.kinds else None
    if factor is None:
        return pl.Series(name, values)
    return pl.Series(name, [str(v) for v in values], dtype=pl.Enum(list(factor.levels)))
