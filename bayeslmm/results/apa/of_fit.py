"""The paragraphs of a REML or ML fit."""

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bayeslmm.design import RandomTerm
from bayeslmm.likelihood.covariance import sd_and_correlation
from bayeslmm.point.distributions import t_quantile
from bayeslmm.point.singular import Singularity
from bayeslmm.results.apa import numbers as n
from bayeslmm.results.apa.model import (
    chosen_terms,
    coefficient_sentence,
    effect_name,
    model_sentences,
    packages,
    size,
    software,
)
from bayeslmm.results.apa.prose import Apa, italic

if TYPE_CHECKING:
    from bayeslmm.results.fit import Ddf, Fit

METHODS = {
    "satterthwaite": "t tests with Satterthwaite's degrees of freedom",
    "kenward-roger": "t tests with Kenward and Roger's standard errors and degrees of freedom",
    "containment": "t tests with containment degrees of freedom",
    "residual": "t tests with residual degrees of freedom",
    "asymptotic": "z tests (normal approximation)",
}
OPTIMIZERS = {
    "lbfgs": "a structured quasi-Newton method with exact gradients",
    "bobyqa": "BOBYQA",
    "nelder-mead": "Nelder and Mead's simplex",
}
DERIVATIVE_FREE = ("bobyqa", "nelder-mead")


def apa_of_fit(fit: "Fit", ddf: "Ddf", level: float, terms: Collection[str] | None) -> Apa:
    """Methods and results of a fit."""
    table = fit.tests(ddf)
    told = chosen_terms(terms, list(table.index))
    texts = {str(name): coefficient_text(row, level) for name, row in table.iterrows()}
    results = [
        *_trust(fit),
        coefficient_sentence(told, [texts[name] for name in told], len(table)),
        _random_effects(fit),
        _shares(fit),
    ]
    return Apa(_methods(fit, ddf), " ".join(r for r in results if r), texts)


def _methods(fit: "Fit", ddf: "Ddf") -> str:
    how = "restricted maximum likelihood (REML)" if fit.reml else "maximum likelihood (ML)"
    design = fit.design
    name = fit.optimizer.split()[0]
    used = ["numpy", "scipy", *(["nlopt"] if name in DERIVATIVE_FREE else [])]
    tests = f" Coefficients were tested by {METHODS[ddf]}." if design.p else ""
    first = (
        f"A linear mixed model was fitted to {design.response} ({size(design)}) by {how} with "
        f"{software(packages(*used))}; formula: {design.formula.written}."
    )
    last = f"The criterion was minimised by {OPTIMIZERS.get(name, name)}.{tests}" if name != "none" else tests.strip()
    return " ".join(part for part in (first, *model_sentences(design), last) if part)


def _trust(fit: "Fit") -> list[str]:
    """What the reader must know before the numbers."""
    said = []
    if not fit.converged:
        said.append(f"The optimiser did not reach a proven optimum ({'; '.join(fit.certificate.problems)}).")
    if fit.is_singular:
        said.append(f"The fit was singular: {'; '.join(dict.fromkeys(_reason(s) for s in fit.singularities))}.")
    return said


def _reason(reason: Singularity) -> str:
    """The weights of a combination are left to `fit.singularities`."""
    if reason.kind == "combination":
        return f"the estimated covariance matrix of the random effects of {reason.group} does not have full rank"
    subject, _, value = reason.sentence.replace("`", "").rpartition(" is ")
    return f"{subject} was {value}"


def coefficient_text(row: pd.Series, level: float) -> str:
    """`b = 2.10, SE = 0.76, t(12.06) = 2.78, p = .017, 95% CI [0.46, 3.75]`; without a test where df are unknown."""
    estimate, se, df, t, p = (float(row[c]) for c in ("estimate", "se", "df", "t", "p"))
    places = n.decimals(se)
    text = f"{italic('b')} = {n.number(estimate, places)}, {italic('SE')} = {n.number(se, places)}"
    if not np.isfinite(t) or np.isnan(df):
        return text
    statistic = f"{italic('z')}" if np.isinf(df) else f"{italic('t')}({n.degrees(df)})"
    half = float(t_quantile(0.5 + level / 2, df)) * se
    ci = n.interval(estimate - half, estimate + half, level, places)
    return f"{text}, {statistic} = {n.number(t)}, {n.p_value(p)}, {ci}"


def _random_effects(fit: "Fit") -> str:
    parts = [_term(t, V) for t, V in zip(fit.design.terms, fit.estimates.covariances, strict=True)]
    residual = f"residual {italic('SD')} = {n.number(fit.sigma, n.decimals(fit.sigma))}"
    return "Random effects: " + "; ".join([*parts, residual]) + "."


def _term(term: RandomTerm, V: np.ndarray) -> str:
    sd, correlation = sd_and_correlation(V)
    names = [effect_name(e) for e in term.effects]
    said = [f"{italic('SD')} = {n.number(s, n.decimals(s))} ({e})" for s, e in zip(sd, names, strict=True)]
    for i, j in term.pairs:
        r = f"= {n.share(correlation[i, j])}" if np.isfinite(correlation[i, j]) else "undefined"
        said.append(f"{italic('r')} {r} ({names[j]}, {names[i]})")
    return f"{term.group}, {', '.join(said)}"


def _shares(fit: "Fit") -> str:
    if not fit.design.terms:
        return ""
    r2 = fit.r2()
    assert isinstance(r2, pd.Series)
    share = fit.icc()
    assert isinstance(share, float)
    of = "" if len(fit.design.terms) == 1 else f" (all of {n.listed([t.group for t in fit.design.terms])})"
    r2_text = f"{n.share(float(r2['marginal']))} (marginal) and {n.share(float(r2['conditional']))} (conditional)"
    return f"ICC = {n.share(share)}{of}; {italic('R')}\N{SUPERSCRIPT TWO} = {r2_text}."
