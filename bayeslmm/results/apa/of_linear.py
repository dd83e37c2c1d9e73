"""The paragraphs of a linear fit."""

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np

from bayeslmm.results.apa import numbers as n
from bayeslmm.results.apa.model import (
    chosen_terms,
    coefficient_sentence,
    model_sentences,
    packages,
    size,
    software,
)
from bayeslmm.results.apa.of_fit import coefficient_text
from bayeslmm.results.apa.prose import Apa, italic

if TYPE_CHECKING:
    from bayeslmm.results.linear_fit import LinearFit

SQUARED = f"{italic('R')}\N{SUPERSCRIPT TWO}"


def apa_of_linear(fit: "LinearFit", level: float, terms: Collection[str] | None) -> Apa:
    """Methods and results of a linear fit."""
    table = fit.tests()
    told = chosen_terms(terms, list(table.index))
    texts = {str(name): coefficient_text(row, level) for name, row in table.iterrows()}
    sentence = coefficient_sentence(told, [texts[name] for name in told], len(table))
    results = [sentence.replace("Fixed effects", "Coefficients", 1), _whole(fit)]
    return Apa(_methods(fit), " ".join(r for r in results if r), texts)


def _methods(fit: "LinearFit") -> str:
    design = fit.design
    squares = "weighted least squares" if design.has_weights else "least squares"
    first = (
        f"A linear model was fitted to {design.response} ({size(design)}) by {squares} with "
        f"{software(packages('numpy', 'scipy'))}; formula: {design.formula.written}."
    )
    about = [s.replace("The fixed part was", "Its terms were") for s in model_sentences(design)]
    return " ".join([first, *about, *([_tests(fit)] if design.p else [])])


def _tests(fit: "LinearFit") -> str:
    if fit.clusters is None:
        return f"Coefficients were tested by t tests with {fit.df_resid} degrees of freedom."
    name = f"the {fit.clusters.count} clusters of {fit.clusters.name}"
    if fit.clusters.name == "an array":
        name = f"{fit.clusters.count} clusters"
    return (
        f"Standard errors were robust to dependence within {name} (CR2; Bell & McCaffrey, 2002); coefficients were "
        "tested by t tests with Satterthwaite's degrees of freedom."
    )


def _whole(fit: "LinearFit") -> str:
    F, q, df, p = fit.f_test
    residual = f"Residual {italic('SD')} = {n.number(fit.sigma, n.decimals(fit.sigma))}"
    if not q:
        return f"{residual}."
    shares = f"{SQUARED} = {n.share(fit.r2)}, adjusted {SQUARED} = {n.share(fit.adj_r2)}"
    freedom = str(df) if fit.clusters is None else n.number(df)
    test = f", {italic('F')}({q}, {freedom}) = {n.number(F)}, {n.p_value(p)}" if np.isfinite(F) else ""
    return f"{residual}; {shares}{test}."
