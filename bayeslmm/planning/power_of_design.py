"""One design: data sets are simulated from what is stated, fitted and tested; `measures` counts."""

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from bayeslmm.design import Design
from bayeslmm.design.linear import LinearFunctions, linear_functions
from bayeslmm.errors import ArgumentError, BayeslmmWarning
from bayeslmm.model import Model
from bayeslmm.planning.measures import measures
from bayeslmm.planning.simulate import blank
from bayeslmm.planning.truth import Truth
from bayeslmm.point.ddf import Ddf, inference
from bayeslmm.results.fit import Fit
from bayeslmm.results.refits import Refits


@dataclass(frozen=True, slots=True)
class Stated:
    """The model that is stated, and what is tested."""

    formula: str
    fixef: Any
    sd: Any
    cor: Any
    sigma: float
    test: Any
    options: dict[str, Any]


@dataclass(frozen=True, slots=True)
class How:
    """How data sets are fitted."""

    n: int
    alpha: float
    ddf: Ddf
    reml: bool
    level: float
    workers: int
    progress: bool
    label: str


def one_design(
    stated: Stated, frame: Any, sizes: dict[str, Any], how: How, seed: np.random.SeedSequence
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
