"""A reanalysis in words and columns: the four parts, one after the other; brief where the fit is not singular."""

from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bayeslmm.compare.triage import shown
from bayeslmm.compare.triage.alternatives import labels_of, why_not
from bayeslmm.compare.triage.columns import WIDTH, table
from bayeslmm.results import rformat

if TYPE_CHECKING:
    from bayeslmm.compare.triage.reanalysis import Reanalysis

HEADINGS = ("1. What is singular", "2. In the frequentist frame", "3. The posterior", "4. Verdict")
SAID = {"positive": "+", "negative": "-", "open": "0"}


def as_text(found: "Reanalysis") -> str:
    """The whole."""
    fit = found.fit
    method = "REML" if fit.reml else "ML"
    title = f"Reanalysis of {fit.design.formula.written}, {method}, {fit.nobs} rows"
    title += f" of {fit.data_name}" if fit.data_name else ""
    parts = [fill(title, WIDTH, subsequent_indent="  ", break_long_words=False)]
    for heading, part in zip(HEADINGS, (_singular, _alternatives, _posterior, _verdict), strict=True):
        parts.append(f"{heading}\n{'-' * len(heading)}\n{part(found)}")
    return "\n\n".join(parts)


def _singular(found: "Reanalysis") -> str:
    part = found.singular
    if not part.is_singular:
        return _prose("Nothing: every variance and correlation lies inside its range.")
    reasons = _prose(*(f"- {s}" for s in part.reasons["sentence"]))
    flat = part.components[part.components["share"].fillna(0) < 1e-8].groupby("group", sort=False).size()
    sizes = part.components.groupby("group", sort=False).size()
    without = [
        f"- `{g}`: {count} of {sizes[g]} directions without variance" for g, count in zip(flat.index, flat, strict=True)
    ]
    t = part.parameters
    columns = {
        "estimate": _numbers(t["estimate"]),
        "from": _numbers(t["lower"]),
        "to": _numbers(t["upper"]),
        "levels": [str(n) for n in t["levels"]],
        "informative": [str(n) for n in t["informative"]],
    }
    note = f"from, to: how far each can go before the {part.criterion} rises by more than {part.rise:.3g}"
    return "\n".join([reasons, *without, "", table(list(t.index), columns), _prose(note)])


def _alternatives(found: "Reanalysis") -> str:
    t = shown.alternatives(found)
    columns = {
        "npar": [str(n) for n in t["npar"]],
        "REML" if found.fit.reml else "deviance": _decimals(t["criterion"], [3] * len(t)),
        "AIC": _decimals(t["AIC"], [2] * len(t)),
        "LRT": _decimals(t["LRT"], [3] * len(t)),
        "p": _p_values(t["p"]),
        "of": [", ".join(filter(None, row)) for row in zip(t["of"], t["state"], strict=True)],
    }
    brief = not found.singular.is_singular
    told = [n for n in labels_of(found.effects) if not (brief and found.verdict.conclusions.loc[n, "everywhere"])]
    effects = [_effect(found, name) for name in told]
    return "\n".join([table(list(t.index), columns, (6,)), _prose(*shown.alternatives_notes(found)), *effects])


def _effect(found: "Reanalysis", name: str) -> str:
    """One effect under all analyses; * where the conclusion is another one than that of the fit."""
    t = found.effects[found.effects["effect"] == name]
    places = [rformat.decimals_for(t["se"].to_numpy())] * len(t)
    first = t["conclusion"].iloc[0]
    grey = [why_not(found.alternatives, str(a)) for a in t["analysis"]]
    columns = {
        "estimate": _decimals(t["estimate"], places),
        "se": _decimals(t["se"], places),
        "df": _decimals(t["df"], [2] * len(t)),
        "p": _p_values(t["p"]),
        "lower": _decimals(t["lower"], places),
        "upper": _decimals(t["upper"], places),
        "": [
            SAID[c] + ("" if c == first else " (*)" if g else " *") for c, g in zip(t["conclusion"], grey, strict=True)
        ],
    }
    return f"\n{_prose(name)}\n{table(list(t['analysis']), columns, (7,))}"


def _posterior(found: "Reanalysis") -> str:
    part, t = found.posterior, found.posterior.table
    if not found.singular.is_singular:
        return _brief_posterior(found)
    method = "REML" if found.fit.reml else "ML"
    places = [rformat.decimals_for([s]) for s in t["sd"].to_numpy(float)]
    columns = {
        method: _decimals(t["reml"], places),
        "median": _decimals(t["median"], places),
        "lower": _decimals(t["lower"], places),
        "upper": _decimals(t["upper"], places),
        "below": _percent(t["below"]),
        "near": _percent(t["near"]),
        "overlap": _percent(t["overlap"]),
    }
    notes = [
        f"below: of the draws, below the {method} estimate",
        f"near the boundary: an sd that adds less than {part.near:g} of the residual sd to a typical row, "
        f"a correlation beyond {1 - part.near:g}; of effects together: a combination of them that adds less than "
        f"{part.near:g}",
        "overlap of prior and posterior: 100% where the data say nothing",
    ]
    shares = [
        f"{100 * share:.0f}% of the posterior lies near this boundary: {reason}"
        for share, reason in zip(part.boundary["near"], found.singular.reasons["sentence"], strict=True)
    ]
    lines = [table(list(t.index), columns), _prose(*notes)]
    if shares or part.sentences:
        lines += ["", _prose(*shares, *part.sentences)]
    return "\n".join(lines)


def _brief_posterior(found: "Reanalysis") -> str:
    """The effects that matter, where the rest is as the fit has it."""
    t = found.posterior.effects
    places = [rformat.decimals_for([s]) for s in t["se"].to_numpy(float)]
    columns = {
        "median": _decimals(t["estimate"], places),
        "sd": _decimals(t["se"], places),
        "lower": _decimals(t["lower"], places),
        "upper": _decimals(t["upper"], places),
    }
    columns["P(> 0)"] = [f"{v:.3f}" for v in t["positive"]]
    return "\n".join([table(list(t.index), columns), _prose(*found.posterior.sentences)])


def _verdict(found: "Reanalysis") -> str:
    verdict = found.verdict
    lines = [_prose(*verdict.sentences), ""]
    if not verdict.flags:
        return "\n".join([*lines, "no flags: all analyses lead to the same conclusions"])
    return "\n".join([*lines, "Flags:", _prose(*(f"* {f}" for f in verdict.flags))])


def _prose(*sentences: str) -> str:
    return "\n".join(fill(s, WIDTH, subsequent_indent="  ", break_long_words=False) for s in sentences)


def _decimals(values: pd.Series, places: Sequence[int]) -> list[str]:
    """Numbers with so many decimals each; nothing where there is none."""
    pairs = zip(values.to_numpy(float), places, strict=True)
    return ["" if np.isnan(v) else rformat.short(float(v), d) for v, d in pairs]


def _percent(values: pd.Series) -> list[str]:
    return ["" if np.isnan(v) else f"{100 * v:.0f}%" for v in values.to_numpy(float)]


def _numbers(values: pd.Series) -> list[str]:
    return [f"{v:.4g}" if np.isfinite(v) else "" if np.isnan(v) else "Inf" for v in values]


def _p_values(values: pd.Series) -> list[str]:
    return ["" if np.isnan(v) else rformat.format_p_values([v], 3)[0] for v in values.astype(float)]
