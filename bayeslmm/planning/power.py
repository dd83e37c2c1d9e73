"""`blm.power`: power, errors of sign and size, and coverage of a design, by simulation.

Each data set is fitted and tested; `measures` says what of that is counted, and how.
"""

import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from bayeslmm.design import Design
from bayeslmm.design.linear import LinearFunctions, linear_functions
from bayeslmm.errors import ArgumentError, BayeslmmWarning
from bayeslmm.likelihood.threads import threads
from bayeslmm.model import Model
from bayeslmm.planning.measures import measures
from bayeslmm.planning.simulate import blank, check_options
from bayeslmm.planning.truth import Truth
from bayeslmm.point.ddf import Ddf, check_ddf, inference
from bayeslmm.results.checks import check_level
from bayeslmm.results.fit import Fit
from bayeslmm.results.frames import preformatted
from bayeslmm.results.refits import Refits

GOAL = 0.8
MEASURES = ("power", "type_s", "type_m", "coverage")
COLUMNS = ("test", "true", "bias", "sd", "df", "n", "failed", "singular", "n_rows")


@dataclass(frozen=True, repr=False)
class Power:
    """What `blm.power` returns; `print` it, take `.table`, or look at `.plot()`.

    Attributes
    ----------
    table
        DataFrame, one row for each design and test: the sizes of the design, `test`, `true` (the true value), `power`,
        `type_s`, `type_m`, `coverage`, each with the ends `..._lower`, `..._upper` of its Monte Carlo interval, `bias`
        (mean estimate less the true value), `sd` of the estimates, `df` (median), `n` data sets that were fitted,
        `failed` ones, `singular` ones (share), `n_rows` of the design.
    sizes
        Names of the columns that tell designs apart.
    alpha
        Level of the tests.
    ddf
        Method of their degrees of freedom.
    level
        Of the Monte Carlo intervals.
    """

    table: pd.DataFrame
    sizes: tuple[str, ...]
    alpha: float
    ddf: str
    level: float

    def plot(self, measure: str = "power", axes: Any = None, width: float = 7.0) -> np.ndarray:
        """Curves against the first size of the design, a line for each value of the second, with Monte Carlo bands.

        Parameters
        ----------
        measure
            "power", "type_s", "type_m" or "coverage".
        axes
            As many axes as there are tests; None makes a figure.
        width
            Of the new figure, in inches.
        """
        from bayeslmm.planning.pictures import plot_power

        if measure not in MEASURES:
            raise ArgumentError(f"plot(measure={measure!r}): it is one of {', '.join(MEASURES)}")
        return plot_power(self, measure, axes, width)

    def __str__(self) -> str:
        n = int(self.table["n"].max())
        head = (
            f"{n} data sets for each design, tests at {self.alpha:g} with {self.ddf} df; in brackets the "
            f"{100 * self.level:g}% Monte Carlo interval"
        )
        shown = self.table[[*self.sizes, "test", "true"]].copy()
        for measure in MEASURES:
            shown[measure] = [self._cell(row, measure) for row in self.table.to_dict("records")]
        lines = [head, "", shown.to_string(index=False, float_format=lambda v: f"{v:g}"), *self._notes()]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return preformatted(str(self))

    @staticmethod
    def _cell(row: Mapping[Any, Any], measure: str) -> str:
        value, low, high = row[measure], row[f"{measure}_lower"], row[f"{measure}_upper"]
        return "" if np.isnan(value) else f"{value:.2f} [{low:.2f}, {high:.2f}]"

    def _notes(self) -> list[str]:
        lines = [""]
        for test, part in self.table.groupby("test", sort=False):
            reached = part[(part["power"] >= GOAL) & (part["true"] != 0)]
            if len(reached) and self.sizes:
                first = reached.sort_values("n_rows").iloc[0]
                at = ", ".join(f"{s} = {first[s]}" for s in self.sizes)
                lines.append(
                    f"{test}: the smallest design here with a power of {GOAL:g} has {at} ({first['n_rows']} rows)"
                )
            elif self.sizes and (part["true"] != 0).any():
                lines.append(f"{test}: no design here has a power of {GOAL:g}")
        failed = int(self.table["failed"].sum())
        if failed:
            lines.append(f"! {failed} fits failed and do not count")
        singular = float(self.table["singular"].max())
        if singular > 0:
            lines.append(f"up to {100 * singular:.0f}% of the fits of a design are singular; they count as they are")
        return lines if len(lines) > 1 else []


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
    stated = _Stated(formula, fixef, sd, cor, sigma, test, options)
    cells = list(_cells(design, grid))
    try:
        seeds = np.random.SeedSequence(seed).spawn(len(cells))
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"seed={seed!r} must be a whole number that is not negative, or None") from error
    parts = []
    for i, ((sizes, make), own) in enumerate(zip(cells, seeds, strict=True)):
        label = f"design {i + 1} of {len(cells)}: " if len(cells) > 1 else ""
        how = _How(n, alpha, ddf, reml, level, min(workers or threads(), n), progress, label)
        parts.append(_of_design(stated, make(int(own.generate_state(1)[0])), sizes, how, own))
    table = pd.concat(parts, ignore_index=True)
    return Power(table, tuple(grid or ()), alpha, ddf, level)


@dataclass(frozen=True, slots=True)
class _Stated:
    """The model that is stated, and what is tested."""

    formula: str
    fixef: Any
    sd: Any
    cor: Any
    sigma: float
    test: Any
    options: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _How:
    """How data sets are fitted."""

    n: int
    alpha: float
    ddf: Ddf
    reml: bool
    level: float
    workers: int
    progress: bool
    label: str


def _check_numbers(n: Any, alpha: float, workers: Any) -> None:
    for name, value, least in (("n", n, 2), ("workers", 1 if workers is None else workers, 1)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise ArgumentError(f"{name}={value!r} must be a whole number, at least {least}")
    if not 0 < alpha < 1:
        raise ArgumentError(f"alpha={alpha!r} must lie between 0 and 1, such as 0.05")


def _cells(
    design: Any, grid: Mapping[str, Sequence[Any]] | None
) -> Iterator[tuple[dict[str, Any], Callable[[int], Any]]]:
    """Each combination of sizes, and how its data frame is made from a seed."""
    if not callable(design):
        if grid:
            raise ArgumentError(
                "power: a grid needs a function as design, such as lambda subject: blm.crossed(subject=subject, item=8)"
            )
        yield {}, lambda seed: design
        return
    wanted = inspect.signature(design).parameters
    variable = any(p.kind is p.VAR_KEYWORD for p in wanted.values())
    known = [name for name in wanted if name != "seed"]
    grid = grid or {}
    unknown = [name for name in grid if name not in known and not variable]
    absent = [p.name for p in wanted.values() if p.name in known and p.default is p.empty and p.name not in grid]
    absent = [
        name for name in absent if wanted[name].kind in (wanted[name].POSITIONAL_OR_KEYWORD, wanted[name].KEYWORD_ONLY)
    ]
    if unknown or absent:
        problem = f"does not take `{unknown[0]}`" if unknown else f"needs `{absent[0]}`, which the grid does not have"
        raise ArgumentError(f"power: the function that makes the design {problem}; the grid has {', '.join(grid)}")
    if any(isinstance(values, str) or not len(values) for values in grid.values()):
        raise ArgumentError('power: the grid has lists of values, such as {"subject": [10, 20, 40]}')
    taken = [name for name in grid if name in COLUMNS or name.removesuffix("_lower").removesuffix("_upper") in MEASURES]
    if taken:
        raise ArgumentError(
            f"power: `{taken[0]}` is a column of the result; call the argument of the function otherwise"
        )
    for values in product(*grid.values()):
        sizes = dict(zip(grid, values, strict=True))
        yield sizes, _made(design, sizes, "seed" in wanted)


def _made(design: Callable[..., Any], sizes: dict[str, Any], seeded: bool) -> Callable[[int], Any]:
    return lambda seed: design(**sizes, seed=seed) if seeded else design(**sizes)


def _of_design(
    stated: _Stated, frame: Any, sizes: dict[str, Any], how: _How, seed: np.random.SeedSequence
) -> pd.DataFrame:
    """All rows of the table for one design."""
    arrays = blank(stated.formula, frame, stated.options, allow_n_levels=False)
    if not arrays.terms:
        raise ArgumentError("power: the formula has no random effects; it needs a bar such as (1 | subject)")
    truth = Truth.of(arrays, stated.fixef, stated.sd, stated.cor, stated.sigma)
    functions = _tested(stated.test, arrays)
    first, *seeds = seed.spawn(how.n + 1)
    fit = _first_fit(arrays, truth, how.reml, np.random.default_rng(first))
    refits = Refits(fit, lambda rng: truth.draw(arrays, rng)[0], "", seeds, how.workers, how.progress, how.label)
    found = refits.run(lambda refit: _measured(refit, functions.L, how.ddf))
    good = np.array([r for r in found.results if r is not None])
    if not len(good):
        raise ArgumentError(f"power: all {how.n} fits failed; the first because: {next(iter(found.failures), '')}")
    true = functions.values(truth.beta) - functions.null
    rows = []
    for j, label in enumerate(functions.labels["contrast"]):
        estimate, se, df = good[:, j, 0] - functions.null[j], good[:, j, 1], good[:, j, 2]
        counts = {
            "n": len(good),
            "failed": how.n - len(good),
            "singular": found.n_singular / len(good),
            "n_rows": arrays.n,
        }
        row = {**sizes, "test": label, "true": true[j] + functions.null[j]}
        rows.append(row | measures(estimate, se, df, float(true[j]), how.alpha, how.level) | counts)
    return pd.DataFrame(rows)


def _tested(test: Any, design: Design) -> LinearFunctions:
    if test is None:
        names = [c for c in design.coef_names if c != "(Intercept)"] or list(design.coef_names)
        if not names:
            raise ArgumentError("power: the model has no fixed effects, and nothing to test")
        test = {name: {name: 1.0} for name in names}
    elif isinstance(test, str) and test == "Intercept":
        test = {"(Intercept)": {"(Intercept)": 1.0}}
    return linear_functions(test, design)


def _first_fit(design: Design, truth: Truth, reml: bool, rng: np.random.Generator) -> Fit:
    """A fit whose cross-products all others share."""
    y, _ = truth.draw(design, rng)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BayeslmmWarning)
        return Model.of_design(replace(design, y=y)).fit(reml)


def _measured(fit: Fit, L: np.ndarray, ddf: Ddf) -> np.ndarray:
    """(m, 3): estimate, se and df of every function."""
    at = inference(ddf, fit.design, fit.likelihood, fit.optimum, fit.estimates.vcov, fit.reml)
    return np.column_stack([L @ fit.estimates.beta, np.sqrt(at.variances(L)), at.df(L)])
