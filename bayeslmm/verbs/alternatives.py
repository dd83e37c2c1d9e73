"""`blm.alternatives`: the ways in which textbooks analyse grouped data, side by side."""

from typing import TYPE_CHECKING, Any

from bayeslmm.errors import check_options
from bayeslmm.model import Model

if TYPE_CHECKING:
    from bayeslmm.compare.alternatives import Alternatives


def alternatives(
    formula: str,
    data: Any,
    focal: str | list[str] | None = None,
    group: str | None = None,
    group_contrasts: Any = "sum",
    bayes: bool = True,
    level: float = 0.95,
    seed: int | None = 1,
    **options: Any,
) -> "Alternatives":
    """Compare the ways in which textbooks analyse grouped data, for the coefficients that matter.

    Least squares with and without cluster-robust errors, wild cluster bootstrap, cluster means, fixed effects for the
    groups and for their slopes, random intercepts, random slopes, the posterior, and the repeated-measures ANOVA where
    the design has it: each with what it assumes and when it misleads.

    Parameters
    ----------
    formula, data
        As for `Model`.
    focal
        Coefficients, or labels of terms; None for all but the intercept.
    group
        The grouping factor whose levels are the clusters; None: the one in which all others are nested, or else the
        one with most levels.
    group_contrasts
        Coding of the clusters where they are fixed effects: "sum" (the focal slope is the average of the clusters'),
        "treatment" (that of the first), "helmert", "poly", or a matrix.
    bayes
        Whether to sample the posterior, too.
    level
        Of the intervals.
    seed
        Of the bootstrap and the posterior.
    **options
        `weights`, `offset`, `contrasts`, `functions`, `priors`: as for `Model`.

    Raises
    ------
    FormulaError, DataError, ArgumentError
        As for `Model`; or focal or group are not in it.

    Examples
    --------
    >>> import bayeslmm as blm
    >>> sleep = blm.datasets.load("sleepstudy")
    >>> found = blm.alternatives("Reaction ~ Days + (Days | Subject)", sleep, bayes=False)
    >>> found.table.set_index("method")["se"].round(2)[["OLS", "random intercept", "random slopes"]].to_list()
    [1.24, 0.8, 1.55]
    """
    from bayeslmm.compare.alternatives import alternatives as compared

    check_options(options, ("weights", "offset", "contrasts", "functions", "priors", "data_name"), "alternatives")

    def make(text: str) -> Model:
        return Model(text, data, **options)

    return compared(make, formula, focal, group, group_contrasts, bayes, level, seed)
