"""`blm.lm`: least squares without groups."""

from typing import Any

from bayeslmm.design import build
from bayeslmm.design.clusters import clusters
from bayeslmm.errors import FormulaError, check_options
from bayeslmm.point.least_squares import least_squares
from bayeslmm.results.linear_fit import LinearFit


def lm(formula: str, data: Any, cluster: Any = None, **options: Any) -> LinearFit:
    """Fit a linear model without groups by (weighted) least squares; what complete pooling means.

    Parameters
    ----------
    formula, data
        As for `Model`, without bars.
    cluster
        Rows that may be dependent: a column, a combination as `"batch:cask"`, or an array with one value per row of
        the data. Standard errors and tests are then robust to it (see `LinearFit`).
    **options
        `weights`, `offset`, `contrasts`, `functions`: as for `Model`.

    Raises
    ------
    FormulaError
        The formula has random effects.
    ArgumentError, DataError
        The clusters are not there, are missing in a row used, or are fewer than two.

    Examples
    --------
    >>> import bayeslmm as blm
    >>> fit = blm.lm("salary ~ grade", blm.datasets.load("salary"), cluster="major")
    >>> fit.tests().round(3)
                 estimate     se     df      t      p
    (Intercept)     1.273  4.301  3.916  0.296  0.782
    grade          -3.653  3.677  3.106 -0.994  0.391
    """
    check_options(
        options, ("weights", "offset", "contrasts", "functions", "data_name"), "lm", "formula, data, cluster, "
    )
    data_name = options.pop("data_name", "")
    design = build(formula, data, **options)
    if design.terms:
        raise FormulaError("the formula has random effects, which blm.lm cannot fit; use blm.lmer", design.formula.text)
    return LinearFit(
        design,
        least_squares(design),
        data_name,
        None if cluster is None else clusters(data, cluster, design.rows),
    )
