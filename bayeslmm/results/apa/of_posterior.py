"""The paragraphs of a posterior."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

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
    from bayeslmm.results.posterior import Posterior

MOST_PRIORS = 12
CREDIBLE = "CrI"
SHOWN = "Estimates are posterior means; intervals are equal-tailed."
EXACT = "with the random effects integrated out exactly"
ENGINES = {
    "marginal": f"NUTS on the sds, correlations and residual sd, {EXACT},",
    "hierarchical": "NUTS",
    "importance": f"importance sampling from a t distribution at the mode, {EXACT},",
}


def apa_of_posterior(post: "Posterior", level: float, terms: Collection[str] | None) -> Apa:
    """Methods and results of a posterior."""
    summary = post.summary(level)
    told = chosen_terms(terms, list(summary.fixed.index))
    positive = (post.draws.beta > 0).mean(axis=0)
    rows = zip(summary.fixed.iterrows(), positive, strict=True)
    texts = {str(name): _coefficient(row, above, level) for (name, row), above in rows}
    results = [
        _trust(post),
        coefficient_sentence(told, [texts[name] for name in told], len(texts)),
        "Random effects: " + "; ".join(_spread(row, level) for _, row in summary.random.iterrows()) + ".",
        _shares(post, level),
    ]
    return Apa(_methods(post), " ".join(r for r in results if r), texts)


def _methods(post: "Posterior") -> str:
    attrs = {str(k): v for k, v in post.data.attrs.items()}
    engine = ENGINES.get(str(attrs.get("engine", "")), "sampling")
    design = post.design
    first = (
        f"A Bayesian linear mixed model of {design.response} ({size(design)}) was estimated by {engine} with "
        f"{_software(attrs)}; formula: {design.formula.written}."
    )
    about = (_priors(post.priors.table), _draws(post, attrs), _checks(post), SHOWN)
    return " ".join(part for part in (first, *model_sentences(design), *about) if part)


def _software(attrs: Mapping[str, Any]) -> str:
    """The versions that drew; those of today where the draws do not tell."""
    told = {k.removesuffix("_version"): str(v) for k, v in attrs.items() if k.endswith("_version")}
    own = told.pop("bayeslmm", "")
    return software({**packages("numpy"), **told}, own)


def _priors(table: pd.DataFrame) -> str:
    shown = table.iloc[:MOST_PRIORS]
    said = "; ".join(f"{p}, {d}" for p, d in zip(shown["parameter"], shown["prior"], strict=True))
    rest = len(table) - len(shown)
    return f"Priors: {said}{f'; and {rest} more' if rest else ''}."


def _draws(post: "Posterior", attrs: Mapping[str, Any]) -> str:
    chains, draws = post.draws.shape
    seed = f"seed {attrs['seed']}" if "seed" in attrs else ""
    if attrs.get("engine") == "importance":
        return f"{chains * draws} draws were kept{f' ({seed})' if seed else ''}."
    tune = f"{attrs['tune']} warm-up draws each" if "tune" in attrs else ""
    more = ", ".join(part for part in (tune, seed) if part)
    return f"{n.counted(chains, 'chain')} of {draws} draws{f' ({more})' if more else ''} were kept."


def _checks(post: "Posterior") -> str:
    value = post.diagnostics().table["value"].dropna()
    ess = value.reindex(["ESS bulk", "ESS tail", "importance ESS"]).dropna()
    said = []
    if "R-hat" in value:
        said.append(f"{italic('R')}-hat was at most {n.number(value['R-hat'], 3)}")
    if "k-hat" in value:
        said.append(f"Pareto {italic('k')}-hat was {n.number(value['k-hat'])}")
    if len(ess):
        said.append(f"the effective number of draws at least {ess.min():.0f}")
    if "divergences" in value:
        count = int(value["divergences"])
        said.append(f"{count or 'no'} {'draw' if count == 1 else 'draws'} diverged")
    return f"{n.listed(said)}." if said else ""


def _trust(post: "Posterior") -> str:
    verdicts = post.diagnostics().table.query("not ok")["verdict"]
    wrong = "; ".join(f"{check}, {verdict}" for check, verdict in verdicts.items())
    return f"The draws did not pass all checks: {wrong}." if wrong else ""


def _coefficient(row: pd.Series, above: float, level: float) -> str:
    mean, sd, lower, upper = (float(row[c]) for c in ("estimate", "sd", "lower", "upper"))
    places = n.decimals(sd)
    ci = n.interval(lower, upper, level, places, CREDIBLE)
    b, S, P = italic("b"), italic("SD"), italic("P")
    tail = f"{P}({b} > 0) {n.probability(float(above))}"
    return f"{b} = {n.number(mean, places)}, {S} = {n.number(sd, places)}, {ci}, {tail}"


def _spread(row: pd.Series, level: float) -> str:
    """One sd or correlation with its interval."""
    mean, lower, upper = (float(row[c]) for c in ("estimate", "lower", "upper"))
    names = n.listed([effect_name(e) for e in str(row["term"]).split(", ")])
    if row["kind"] == "cor":
        ends = f"{n.percent(level)} {CREDIBLE} [{n.share(lower)}, {n.share(upper)}]"
        return f"{row['group']}, {italic('r')} = {n.share(mean)}, {ends} ({names})"
    ends = n.interval(lower, upper, level, n.decimals(mean), CREDIBLE)
    number = f"{italic('SD')} = {n.number(mean, n.decimals(mean))}, {ends}"
    return f"residual {number}" if not row["term"] else f"{row['group']}, {number} ({names})"


def _shares(post: "Posterior", level: float) -> str:
    if not post.design.terms:
        return ""
    found = post.icc(level)
    share, lower, upper = (n.share(float(np.asarray(found[c]))) for c in ("estimate", "lower", "upper"))
    several = "" if len(post.design.terms) == 1 else f" (all of {n.listed([t.group for t in post.design.terms])})"
    return f"ICC = {share}{several}, {n.percent(level)} {CREDIBLE} [{lower}, {upper}]."
