"""`blm.simulate`: data from a stated model, with the truth attached."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayeslmm.design import Design, build
from bayeslmm.design.formula import Formula, parse
from bayeslmm.design.nodes import Name
from bayeslmm.errors import ArgumentError, FormulaError, did_you_mean
from bayeslmm.model import Model
from bayeslmm.planning.frames import as_pandas
from bayeslmm.planning.recovery import Recovery, recovery
from bayeslmm.planning.truth import Truth
from bayeslmm.point.seeds import generator
from bayeslmm.results.fit import Fit
from bayeslmm.results.table_export import Tabular
from bayeslmm.results.tables import effects_table

if TYPE_CHECKING:
    from bayeslmm.results.posterior import Posterior

OPTIONS = ("weights", "offset", "contrasts", "functions")


@dataclass(frozen=True, repr=False)
class Simulation(Tabular):
    """Simulated data and the truth behind them.

    Attributes
    ----------
    formula
        The model that the data came from.
    data
        DataFrame: the design, with the response as its last column; `data.attrs["truth"]` holds the parameters.
    truth
        DataFrame by parameter, named as in the posterior: `kind` (fixed, sd, cor, sigma), `group`, `term`, `value`.
    ranef
        DataFrame of the true random effects: `group`, `level`, `term`, `value`.
    options
        `weights`, `offset`, `contrasts`, `functions`, as they were given.
    """

    formula: str
    data: pd.DataFrame
    truth: pd.DataFrame
    ranef: pd.DataFrame
    options: dict[str, Any]

    @property
    def model(self) -> Model:
        """The model of these data."""
        return Model(self.formula, self.data, **self.options)

    def fit(self, reml: bool = True) -> Fit:
        """Fit the model that the data came from."""
        return self.model.fit(reml)

    def recovery(self, found: "Fit | Posterior | None" = None, level: float = 0.95) -> Recovery:
        """How well a fit, or a posterior, found the truth: a table, and true against estimated as a picture.

        Parameters
        ----------
        found
            A fit or posterior of these data by the same formula; None fits it by REML.
        level
            Of the intervals.
        """
        return recovery(self.truth, self.ranef, self.fit() if found is None else found, level)

    def __repr__(self) -> str:
        levels = ", ".join(f"{g} ({n})" for g, n in self.ranef.groupby("group", sort=False)["level"].nunique().items())
        head = f"{len(self.data)} rows of {self.formula}" + (f"; groups: {levels}" if levels else "")
        return f"{head}\n\n{self.truth[['value']].to_string()}"

    def _for_paper(self) -> pd.DataFrame:
        return self.truth


def simulate(
    formula: str,
    design: Any,
    fixef: Any = None,
    sd: Any = None,
    cor: Any = None,
    sigma: float = 1.0,
    seed: int | np.random.Generator | None = None,
    **options: Any,
) -> Simulation:
    """Simulate data from a stated model.

    Parameters
    ----------
    formula
        An lme4-style formula, whose left side is the name of the response to be made.
    design
        A data frame with predictors and groups: your own, or one of `blm.crossed`, `blm.nested`, `blm.dropout`.
    fixef
        By coefficient, as summaries name them: `{"Intercept": 250, "Days": 10}`; those left out are 0. Or numbers in
        the order of the coefficients.
    sd
        By grouping factor, in units of the response: `{"Subject": {"Intercept": 25, "Days": 6}}`, or numbers in the
        order of the effects. A nested factor has the name that summaries give it, `class:school`, either way round.
    cor
        By grouping factor: a number for two effects, `{"Subject": {"Intercept, Days": 0.1}}`, or a matrix; those left
        out are 0.
    sigma
        Residual sd.
    seed
        Of the random numbers.
    **options
        `weights`, `offset`, `contrasts`, `functions`: as for `Model`.

    Returns
    -------
    Simulation
        `.data`, `.truth`, `.ranef`; `.fit()`; `.recovery()`.

    Raises
    ------
    FormulaError, DataError, ArgumentError
        As for `Model`; a parameter of a name that there is not, an sd that was not given, correlations that cannot be.

    Examples
    --------
    >>> import bayeslmm as blm
    >>> design = blm.crossed(Subject=18, Days=range(10))
    >>> made = blm.simulate(
    ...     "Reaction ~ Days + (Days | Subject)", design, fixef={"Intercept": 250, "Days": 10},
    ...     sd={"Subject": [25, 6]}, cor={"Subject": 0.1}, sigma=25, seed=1,
    ... )
    >>> made.data.shape, float(made.truth.loc["sd_Subject[Days]", "value"])
    ((180, 3), 6.0)
    """
    check_options(options, "simulate")
    arrays = blank(formula, design, options)
    truth = Truth.of(arrays, fixef, {} if sd is None and not arrays.terms else sd, cor, sigma)
    y, b = truth.draw(arrays, generator(seed))
    parameters = truth.table(arrays)
    data = as_pandas(design)
    response = np.full(len(data), np.nan)
    response[arrays.rows] = y
    data[arrays.formula.response.label.strip("`")] = response
    data.attrs["truth"] = {"formula": formula, "parameters": parameters["value"].to_dict()}
    effects = effects_table(arrays.terms, b, [np.zeros_like(v) for v in b])
    ranef = effects.rename(columns={"estimate": "value"}).drop(columns="se")
    return Simulation(formula, data, parameters, ranef, options)


def blank(formula: str, design: Any, options: dict[str, Any], allow_n_levels: bool = True) -> Design:
    """The arrays of a design that has no response yet: a placeholder stands in its place.

    Raises
    ------
    FormulaError
        The left side is more than a name.
    """
    parsed: Formula = parse(formula)
    if not isinstance(parsed.response.node, Name):
        raise FormulaError(
            f"the response `{parsed.response.label}` is to be made; give it a name alone, and transform it afterwards",
            parsed.text,
            parsed.response.node.position,
        )
    data = as_pandas(design)
    if not len(data):
        raise ArgumentError("the design has no rows")
    data[parsed.response.node.name] = np.arange(len(data), dtype=float)
    return build(parsed, data, allow_n_levels=allow_n_levels, **options)


def check_options(options: dict[str, Any], verb: str) -> None:
    """Refuse an option that there is not."""
    unknown = [name for name in options if name not in OPTIONS]
    if unknown:
        raise ArgumentError(f"{verb} has no argument `{unknown[0]}`{did_you_mean(unknown[0], OPTIONS)}")
