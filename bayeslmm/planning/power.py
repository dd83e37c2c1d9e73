"""`blm.power`: power, errors of sign and size, and coverage of a design, by simulation."""

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from bayeslmm.errors import ArgumentError, check_whole
from bayeslmm.likelihood.threads import threads
from bayeslmm.planning.power_grid import cells
from bayeslmm.planning.power_of_design import How, Stated, one_design
from bayeslmm.planning.power_table import Power
from bayeslmm.planning.simulate import check_options
from bayeslmm.point.ddf import Ddf, check_ddf
from bayeslmm.results.checks import check_level


def power(
    formula: str,
    design: Any,
    grid: Mapping[str, Sequence[Any]] | None = None,
    fixef: Any = None,
    sd: Any = None,
    cor: Any = None,
    sigma: float = 1.0,
    test: Any = None,
    n: int = 500,
    alpha: float = 0.05,
    ddf: Ddf = "satterthwaite",
    reml: bool = True,
    level: float = 0.95,
    seed: int | None = None,
    workers: int | None = None,
    progress: bool = True,
    **options: Any,
) -> Power:
    """Simulate how often a design finds what is there, how wrong it is when it does, and how often intervals hold.

    Parameters
    ----------
    formula, fixef, sd, cor, sigma
        The model that data are simulated from and fitted by, as for `blm.simulate`.
    design
        A data frame; or, with `grid`, a function that makes one: of the sizes in the grid, and of `seed` where it has
        an argument of that name.
    grid
        Values by argument of `design`; all combinations are tried: `{"subject": [10, 20, 40], "item": [8, 16]}`.
    test
        What is tested: names of coefficients, or what else `fit.contrast` takes; all but the intercept by default.
    n
        Data sets for each design: the Monte Carlo error of a power of 0.8 is 0.018 with 500.
    alpha
        Level of the tests; intervals have probability 1 - alpha.
    ddf, reml
        How fits are made and tested, as for `Fit.summary` and `Model.fit`.
    level
        Of the Monte Carlo intervals.
    seed
        The same seed gives the same table, whatever the number of workers.
    workers
        Threads; as many as `blm.threads()` where left out.
    progress
        Show a line on a terminal after two seconds.
    **options
        `weights`, `offset`, `contrasts`, `functions`: as for `Model`.

    Returns
    -------
    Power

    Raises
    ------
    FormulaError, DataError, ArgumentError
        As for `blm.simulate`; a grid without a function, or a function that does not take what is in the grid.

    Examples
    --------
    >>> import bayeslmm as blm
    >>> found = blm.power(
    ...     "y ~ day + (1 | subject)", lambda subject: blm.crossed(subject=subject, day=range(4)),
    ...     grid={"subject": [5, 10]}, fixef={"day": 0.5}, sd=1, sigma=1, n=50, seed=1,
    ... )
    >>> found.table[["subject", "test", "n"]].to_numpy().tolist()
    [[5, 'day', 50], [10, 'day', 50]]
    """
    check_options(options, "power")
    check_ddf(ddf)
    check_level(level)
    _check_numbers(n, alpha, workers)
    stated = Stated(formula, fixef, sd, cor, sigma, test, options)
    designs = list(cells(design, grid))
    try:
        seeds = np.random.SeedSequence(seed).spawn(len(designs))
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"seed={seed!r} must be a whole number that is not negative, or None") from error
    parts = []
    for i, ((sizes, make), own) in enumerate(zip(designs, seeds, strict=True)):
        label = f"design {i + 1} of {len(designs)}: " if len(designs) > 1 else ""
        how = How(n, alpha, ddf, reml, level, min(workers or threads(), n), progress, label)
        parts.append(one_design(stated, make(int(own.generate_state(1)[0])), sizes, how, own))
    table = pd.concat(parts, ignore_index=True)
    return Power(table, tuple(grid or ()), alpha, ddf, level)


def _check_numbers(n: Any, alpha: float, workers: Any) -> None:
    for name, value, least in (("n", n, 2), ("workers", 1 if workers is None else workers, 1)):
        check_whole(name, value, least)
    if not isinstance(alpha, Real) or not 0 < alpha < 1:
        raise ArgumentError(f"alpha={alpha!r} must lie between 0 and 1, such as 0.05")
