"""How the draws of a posterior were made, in words: what was integrated out, what was sampled, and by what."""

from collections.abc import Mapping
from textwrap import wrap
from typing import Any

import numpy as np

from bayeslmm.design import Design
from bayeslmm.results.draw_checks import KHAT
from bayeslmm.results.tables import estimated_pairs

WIDTH, INDENT = 80, 9
TITLES = {"importance": "posterior by importance sampling", "given draws": "posterior of given draws"}


def title(attrs: Mapping[Any, Any]) -> str:
    """What the summary is called."""
    return f"Linear mixed model, {TITLES.get(str(attrs.get('engine', '')), 'posterior by NUTS')} [bayeslmm]"


def origin_lines(design: Design, attrs: Mapping[Any, Any], shape: tuple[int, int], intervals: str) -> list[str]:
    """Lines `Engine` and `Draws` of a summary, at most 80 characters wide.

    Parameters
    ----------
    design
        The arrays.
    attrs
        Of the tree of draws; what is not in it is not said.
    shape
        Chains, and draws of each.
    intervals
        What intervals are shown: "95% equal-tailed intervals".
    """
    engine = str(attrs.get("engine", ""))
    said = [_labelled("Engine", _engine(engine, design, attrs))] if engine else []
    return [*said, *_draws(engine, attrs, shape, intervals)]


def _engine(engine: str, design: Design, attrs: Mapping[Any, Any]) -> str:
    if engine == "hierarchical":
        how = attrs.get("parameterisation")
        return f"hierarchical: everything is sampled, {_nuts(attrs)}" + (f"; random effects {how}" if how else "")
    if engine == "given draws":
        effects, own = attrs.get("effects"), attrs.get("likelihood", "normal") != "normal"
        told = f"; coefficients and random effects {effects}" if effects else ""
        return f"given draws{told}" + ("; the likelihood is yours" if own else "")
    by = "a t distribution at the mode, reweighted," if engine == "importance" else _nuts(attrs)
    out, left = _parts(design, str(attrs.get("sampled", "")))
    return f"{engine}: {out} integrated out exactly, {by} on {left}"


def _parts(design: Design, sampled: str) -> tuple[str, str]:
    """What is integrated out, and what is left."""
    names = [name for name in sampled.split(", ") if name]
    all_but = f" (all but {', '.join(names)})" if names else ""
    coefficients = f" and coefficients{all_but}" if len(names) < len(design.coef_names) else ""
    correlations = ["correlations"] if any(estimated_pairs(t) for t in design.terms) else []
    left = ["sds", *correlations, "sigma", *(["the coefficients"] if names and not coefficients else names)]
    return "random effects" + coefficients, f"{', '.join(left[:-1])} and {left[-1]}"


def _nuts(attrs: Mapping[Any, Any]) -> str:
    sampler = str(attrs.get("sampler", "bayeslmm"))
    return "NUTS" if sampler == "bayeslmm" else f"NUTS of {sampler}"


def _draws(engine: str, attrs: Mapping[Any, Any], shape: tuple[int, int], intervals: str) -> list[str]:
    chains, n = shape
    if engine == "importance":
        k, ess = float(attrs.get("khat", np.nan)), float(attrs.get("importance_ess", np.nan))
        proposals = f" from {attrs['proposals']} weighted proposals" if "proposals" in attrs else ""
        worth = f"k-hat {k:.2f} ({'good' if k <= KHAT else 'bad: not'} below {KHAT}): "
        return [
            f"  Draws: {chains * n}{proposals}; {intervals}",
            " " * INDENT + f"{worth}the weights are worth {ess:.0f} independent draws",
        ]
    tune = f" (warm-up {attrs['tune']})" if attrs.get("tune") and engine != "given draws" else ""
    lines = [f"  Draws: {chains} {'chain' if chains == 1 else 'chains'} x {n} draws{tune}; {intervals}"]
    if "remedy" in attrs:
        lines.append(_labelled("Remedy", str(attrs["remedy"])))
    return [*lines, " " * INDENT + "Bulk, Tail: effective draws for means and for interval ends"]


def _labelled(label: str, text: str) -> str:
    """`  Label: text`, wrapped, with the lines below indented alike."""
    return f"{label:>{INDENT - 2}}: " + ("\n" + " " * INDENT).join(wrap(text, WIDTH - INDENT))
