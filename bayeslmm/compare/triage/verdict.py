"""What to conclude: one recommendation with its reason, and where the analyses would lead to different conclusions.

An analysis *counts* for the sameness of conclusions unless the data speak against its model (likelihood ratio, p below
0.05 against the distribution at the boundary where it is known or simulated), or it did not converge. The rules, first
match wins:

fit again     the optimality conditions fail, or another optimiser found a criterion lower by more than 0.001
sample again  the diagnostics of the posterior say that its draws should not be used yet, or a predictor lies so far
              from zero that the default prior of an intercept's sd rules out what the fit says (centre it)
simpler       the fit is singular, some random slopes are of columns that do not vary within any level of their group,
              and the model without them converged, is not spoken against, and concludes as the posterior does
as written    the fit is not singular, and all analyses that count lead to the same conclusions
simpler       the fit is singular, more than half of the posterior lies near each boundary that it is on, a simpler
              model is not singular, the data do not speak against it, and its conclusions are those of the posterior
posterior     the fit is singular, or the conclusions differ: the estimate of REML or ML takes one value of the
              variances for true (and degrees of freedom hold zeros fixed), where the posterior averages over what the
              data allow

The conclusion about an effect is the sign that the interval of an analysis leaves: positive, negative, or open where it
includes zero. Its *size* may depend on the analysis too (see `sizes`): a remark, on which the recommendation does not
depend.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayeslmm.bayes.sample_warnings import TooNear
from bayeslmm.compare.triage.alternatives import (
    AGAINST,
    NOT_CONVERGED,
    OPEN,
    SAME,
    STOPPED,
    Alternatives,
    why_not,
)
from bayeslmm.compare.triage.attempts import without_constant_slopes
from bayeslmm.compare.triage.posterior_part import PosteriorPart, turns
from bayeslmm.compare.triage.rescaled import centred_formula
from bayeslmm.compare.triage.singular import Singular, constant_slopes
from bayeslmm.compare.triage.sizes import about_sizes, of_other_size, sized
from bayeslmm.design import Design
from bayeslmm.design.simpler import written
from bayeslmm.results.apa.numbers import listed
from bayeslmm.results.findings import few_groups
from bayeslmm.results.fit import Fit

MOST = 0.5
POSTERIOR = "posterior"
WHICH = {
    AGAINST: "the data speak against",
    STOPPED: "stopped short of the optimum",
    NOT_CONVERGED: "did not converge",
}


@dataclass(frozen=True)
class Verdict:
    """Part 4 of a reanalysis.

    Attributes
    ----------
    recommendation
        "as written", "simpler", "posterior", "fit again" or "sample again".
    formula
        Of the model that is recommended.
    sentences
        The recommendation and its reasons in words.
    conclusions
        DataFrame by effect: `conclusion` of the model as fitted, `posterior`, `same` (under all analyses that count),
        `everywhere` (under all), `differing` (which analyses that count lead elsewhere), `discounted` (which others),
        `resized` (which analyses that count give an estimate more than one standard error of the fit away).
    flags
        One sentence for each analysis and effect with another conclusion than the model as fitted; empty where all
        agree.
    """

    recommendation: str
    formula: str
    sentences: tuple[str, ...]
    conclusions: pd.DataFrame
    flags: tuple[str, ...]

    @property
    def agree(self) -> bool:
        """Whether all analyses that count lead to the same conclusion about every effect."""
        return bool(self.conclusions["same"].all())


def verdict_part(
    fit: Fit, singular: Singular, tried: Alternatives, effects: pd.DataFrame, found: PosteriorPart
) -> Verdict:
    """Apply the rules.

    Parameters
    ----------
    fit, singular, tried, found
        The fit, and what the other parts found.
    effects
        Of all analyses, the posterior among them, as `Alternatives.effects`.
    """
    conclusions, flags = _conclusions(tried, effects)
    which, formula, reasons = _recommend(fit, singular, tried, found, conclusions, effects)
    told = (*_about_effects(tried, effects, conclusions), *about_sizes(tried, effects))
    slopes = _about_slopes(fit.design, which)
    sentences = (*reasons, *slopes, *told, *_about_prior(found), *_about_groups(fit))
    return Verdict(which, formula, sentences, conclusions, flags)


def _conclusions(tried: Alternatives, effects: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    rows: dict[str, tuple[object, ...]] = {}
    flags: list[str] = []
    for name, own in effects.groupby("effect", sort=False):
        said = own.set_index("analysis")["conclusion"]
        first = said.iloc[0]
        others = said[said != first]
        counting = [str(a) for a in others.index if not why_not(tried, str(a))]
        discounted = [str(a) for a in others.index if str(a) not in counting]
        named = ", ".join(counting), ", ".join(discounted)
        resized = ", ".join(str(a) for a in of_other_size(tried, own)["analysis"])
        rows[str(name)] = (first, said.get(POSTERIOR, ""), not counting, others.empty, *named, resized)
        other_rows = own[own["conclusion"] != first].to_dict("records")
        flags += [_flag(str(name), str(first), r, why_not(tried, str(r["analysis"]))) for r in other_rows]
    columns = ["conclusion", "posterior", "same", "everywhere", "differing", "discounted", "resized"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns), tuple(flags)


def _flag(effect: str, first: str, row: dict, reason: str) -> str:
    estimate, lower, upper = (sized(row[c], row["se"]) for c in ("estimate", "lower", "upper"))
    interval = f"{estimate} [{lower}, {upper}]"
    p = f", p = {row['p']:.2g}" if np.isfinite(row["p"]) else ""
    tail = f" ({reason})" if reason else ""
    return f"{effect}: {row['conclusion']} instead of {first} by {row['analysis']}: {interval}{p}{tail}"


def _recommend(
    fit: Fit,
    singular: Singular,
    tried: Alternatives,
    found: PosteriorPart,
    conclusions: pd.DataFrame,
    effects: pd.DataFrame,
) -> tuple[str, str, tuple[str, ...]]:
    own = fit.design.formula.written
    if not fit.converged or not tried.optimisers_agree:
        return "fit again", own, (_fit_again(fit, tried),)
    state = _it_is_singular(tried)
    if found.too_near:
        formula, why = _centred(fit, found.too_near)
        return "sample again", formula, (why, *([state] if singular.is_singular else []))
    diagnostics = found.post.diagnostics()
    if not diagnostics.ok:
        step = next((str(s) for s in diagnostics.table["next_step"] if s), "see post.diagnostics()")
        return "sample again", own, (f"The draws of the posterior should not be used yet: {step}.",)
    agree = bool(conclusions["same"].all())
    plain = _without_constant_slopes(fit, tried, effects) if singular.is_singular else None
    if plain is not None:
        return "simpler", plain, (f"Report {plain}: {_no_slopes(fit.design)}.", state)
    if not singular.is_singular:
        return _regular(own, agree)
    simpler = _simpler_model(tried, found, effects)
    if simpler is not None:
        why = (
            f"More than half of the posterior lies near the boundary ({_shares(found)}): the data themselves say that "
            f"there is next to no variance there. Report {simpler}, and that the model as first written says the same."
        )
        return "simpler", simpler, (why, state)
    return "posterior", own, (_why_posterior(found, agree), state)


def _without_constant_slopes(fit: Fit, tried: Alternatives, effects: pd.DataFrame) -> str | None:
    """The formula without slopes that no level tells of, where it may stand in for the model as written."""
    part = without_constant_slopes(fit.design)
    if part is None:
        return None
    formula = written(fit.design.formula, part)
    own = tried.table[(tried.table["formula"] == formula) & tried.table["converged"] & ~tried.table["against"]]
    fine = [str(name) for name in own.index if _said(effects, str(name)) == _said(effects, POSTERIOR)]
    return formula if fine else None


def _no_slopes(design: Design) -> str:
    """What slopes of columns that are constant within levels are, in words."""
    by_group: dict[str, list[str]] = {}
    for group, effect in constant_slopes(design):
        by_group.setdefault(group, []).append(f"`{effect}`")
    told = [
        f"{listed(names)} {'has' if len(names) == 1 else 'have'} one value in each level of `{group}`"
        for group, names in by_group.items()
    ]
    return f"{'; '.join(told)}, so that no level tells of a slope"


def _about_slopes(design: Design, which: str) -> list[str]:
    """A remark where the recommendation has not said it."""
    return [f"{_no_slopes(design)}."] if constant_slopes(design) and which != "simpler" else []


def _centred(fit: Fit, far: tuple[TooNear, ...]) -> tuple[str, str]:
    columns = list(dict.fromkeys(p.column for p in far))
    formula = centred_formula(fit.design, columns)
    named = listed([f"`{c}`" for c in columns])
    told = f", {formula}" if formula != fit.design.formula.written else ""
    why = (
        f"Centre {named} and reanalyse once more{told}: {far[0].seen}, so that this posterior should not be used. "
        "The model stays the same."
    )
    return formula, why


def _fit_again(fit: Fit, tried: Alternatives) -> str:
    own = tried.table[tried.table["kind"] == "optimiser"]
    if not tried.optimisers_agree:
        name = str(own["difference"].idxmin()).removeprefix("optimiser ")
        lower = float(own["difference"].min())
        return f'Fit again: {name} finds a criterion lower by {-lower:.2g}; use fit.model.fit(optimizer="{name}").'
    other = "scale the slope predictors" if fit.optimizer.startswith("lbfgs") else 'use optimizer="lbfgs"'
    return f"Fit again: {'; '.join(fit.certificate.problems)}; {other}."


def _regular(formula: str, agree: bool) -> tuple[str, str, tuple[str, ...]]:
    state = "The fit is not singular and it converged: every variance and correlation lies inside its range."
    if agree:
        return "as written", formula, ("Report the model as written.", state)
    why = (
        "Report the posterior of the model as written beside the fit: analyses that the data do not speak against "
        "lead to different conclusions, and the posterior takes into account that the variances are estimated."
    )
    return "posterior", formula, (why, state)


def _it_is_singular(tried: Alternatives) -> str:
    own = tried.table[tried.table["kind"] == "optimiser"]
    same = [str(n).removeprefix("optimiser ") for n in own.index[own["difference"] < SAME]]
    if not same:
        return "The fit is singular, and that is not a failure to converge: the optimality conditions hold there."
    return (
        "The fit is singular, and that is not a failure to converge: the optimality conditions hold there, and "
        f"{' and '.join(same)} {'ends' if len(same) == 1 else 'end'} at the same criterion."
    )


def _why_posterior(found: PosteriorPart, agree: bool) -> str:
    only = "only " if float(found.boundary["near"].max()) < MOST else ""
    conclusion = "The conclusions are the same either way." if agree else "The conclusions depend on it."
    return (
        "Keep the model as first written and report its posterior: the estimate on the boundary is one value out of "
        f"many that the data allow ({only}{_shares(found)} of the posterior lies near it), and tests and intervals "
        f"that start from it take it for known. {conclusion}"
    )


def _shares(found: PosteriorPart) -> str:
    return " and ".join(dict.fromkeys(f"{100 * x:.0f}%" for x in found.boundary["near"]))


def _simpler_model(tried: Alternatives, found: PosteriorPart, effects: pd.DataFrame) -> str | None:
    """The formula of the largest model that may stand in for a singular one."""
    if not (found.boundary["near"] > MOST).all():
        return None
    table = tried.table
    fine = (table["LRT"].notna()) & ~table["against"] & ~table["singular"] & table["converged"]
    wanted = _said(effects, POSTERIOR)
    for name in table[fine].sort_values("npar", ascending=False).index:
        if _said(effects, str(name)) == wanted:
            return str(table.loc[name, "formula"])
    return None


def _said(effects: pd.DataFrame, analysis: str) -> list[str]:
    return list(effects.loc[effects["analysis"] == analysis, "conclusion"])


def _about_effects(tried: Alternatives, effects: pd.DataFrame, conclusions: pd.DataFrame) -> list[str]:
    found = []
    for name, row in conclusions.iterrows():
        if row["everywhere"]:
            found.append(f"{name} is {_in_words(row['conclusion'])} under all analyses.")
        elif row["same"]:
            but = _exceptions(tried, effects[effects["effect"] == name], row["conclusion"])
            found.append(f"{name} is {_in_words(row['conclusion'])} under all analyses but {but}.")
        else:
            found.append(
                f"{name} is {_in_words(row['conclusion'])} by the model as fitted, but not by: {row['differing']}."
            )
    return found


def _exceptions(tried: Alternatives, own: pd.DataFrame, conclusion: str) -> str:
    """Which analyses of one effect conclude otherwise and do not count, and why: `a and b, which ...`."""
    found: dict[str, list[str]] = {}
    for name in own.loc[own["conclusion"] != conclusion, "analysis"]:
        found.setdefault(why_not(tried, str(name)), []).append(str(name))
    return ", and ".join(f"{listed(names)}, which {WHICH[reason]}" for reason, names in found.items())


def _in_words(conclusion: str) -> str:
    return "open in sign" if conclusion == OPEN else conclusion


def _about_prior(found: PosteriorPart) -> list[str]:
    told = {name: turns(decision) for name, decision in found.decisions.items()}
    return [f"The posterior's conclusion about {n} would be another with priors {t}." for n, t in told.items() if t]


def _about_groups(fit: Fit) -> list[str]:
    if not fit.design.p:
        return []
    finding = few_groups(fit, "satterthwaite")
    return [f"Few groups: {finding.seen}; {finding.why}."] if finding.severity else []
