"""What can be wrong with a fit, one question a function: what was seen, why it matters, what to do.

Each returns a `Finding`, also where all is well. How bad: 3, the numbers are not those of the model; 2, a conclusion
may rest on it; 1, worth knowing; 0, nothing seen.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bayeslmm.design import RandomTerm
from bayeslmm.design.bars import Bar
from bayeslmm.design.nodes import deparse
from bayeslmm.design.tokens import tokenize

if TYPE_CHECKING:
    from bayeslmm.results.fit import Ddf, Fit

SCALES, FAR, LEAST_LEVELS = 1e3, 20.0, 5
FEW = {
    "satterthwaite": (4.0, 8.0),
    "kenward-roger": (3.0, 6.0),
    "containment": (4.0, 8.0),
    "residual": (30.0, 50.0),
    "asymptotic": (30.0, 50.0),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `fit.check()`: `value` is the number that `seen` tells; the rest are words, `do` is code."""

    check: str
    severity: int
    seen: str
    value: float
    why: str = ""
    do: str = ""


def certificate(fit: "Fit") -> Finding:
    """Whether the estimate is a proven optimum."""
    found = fit.certificate
    if found.ok:
        seen = f"optimality conditions hold; the criterion could fall by {found.newton_decrement:.1e} at most"
        return Finding("certificate", 0, seen, found.newton_decrement)
    rescale = "blm.lmer(...) with scale(x) for the predictors that have random effects"
    do = rescale if fit.optimizer.startswith("lbfgs") else 'fit.model.fit(optimizer="lbfgs")'
    why = "the estimates are not the maximum of the likelihood: no number below it can be relied on"
    return Finding("certificate", 3, "; ".join(found.problems), found.newton_decrement, why, do)


def singularity(fit: "Fit") -> Finding:
    """Whether a variance is zero or a correlation +-1, and why."""
    reasons = fit.singularities
    if not reasons:
        return Finding("singularity", 0, "every variance and correlation lies inside its range", 0)
    why = (
        "an estimate on the boundary has no standard error, and its value says little: the data do not show this "
        "variance, which is not to say that it is zero"
    )
    return Finding("singularity", 2, "; ".join(r.sentence for r in reasons), len(reasons), why, "fit.sample()")


def few_groups(fit: "Fit", ddf: "Ddf") -> Finding:
    """Whether the groups are too few for the degrees of freedom used."""
    term = min(fit.design.terms, key=lambda t: t.n_levels)
    J, (bad, low) = term.n_levels, FEW[ddf]
    name, seen = "groups", f"`{term.group}` has {J} levels"
    number = float(J)
    if ddf not in ("residual", "asymptotic") and fit.design.p:
        df = fit.tests(ddf)["df"]
        number = float(df.min())
        seen += f"; the test of `{df.idxmin()}` has {number:.3g} degrees of freedom"
    severity = 2 if number < bad else 1 if number < low or J < LEAST_LEVELS else 0
    if not severity:
        return Finding(name, 0, seen, number)
    if ddf in ("residual", "asymptotic"):
        why = f'ddf="{ddf}" takes the variances between groups for known: p-values and intervals are too small'
        return Finding(name, severity, seen, number, why, 'fit.summary(ddf="satterthwaite")')
    why = "a variance between few groups is poorly known, and the p-values depend on how that is taken into account"
    kenward_roger = 'fit.summary(ddf="kenward-roger")' if ddf != "kenward-roger" and fit.reml else ""
    return Finding(name, severity, seen, number, why, kenward_roger or "fit.sample()")


def wild_scales(fit: "Fit") -> Finding:
    """Whether predictors are on very different scales, or far from zero where they have random slopes."""
    sds = _scales(fit)
    ratio = max(sds.values()) / min(sds.values()) if sds else 1.0
    far = _farthest(fit)
    if ratio > SCALES:
        extreme = [min(sds, key=lambda n: sds[n]), max(sds, key=lambda n: sds[n])]
        seen = f"the sds of `{extreme[1]}` and `{extreme[0]}` are {sds[extreme[1]]:.3g} and {sds[extreme[0]]:.3g}"
        why = "coefficients and variances of very different size cost digits, and are hard to read"
        wild = [n for n in sds if abs(np.log10(sds[n])) > 1] or extreme
        return Finding("scales", 1, seen, ratio, why, f'blm.lmer("{_scaled(fit, wild)}", data)')
    if far[0] > FAR:
        ratio, effect, group = far
        seen = f"`{effect}` lies {ratio:.3g} of its sds from zero, and its slope varies between the levels of `{group}`"
        why = (
            "the variance of the intercepts is that far outside of the data, and its correlation with the slopes is "
            "close to +-1 by construction"
        )
        return Finding("scales", 1, seen, ratio, why, f'blm.lmer("{_scaled(fit, [effect])}", data)')
    return Finding("scales", 0, f"sds of the predictors differ by a factor of {ratio:.3g} at most", ratio)


def constant_slopes(fit: "Fit") -> Finding:
    """Whether a predictor with a random slope is constant within every group."""
    for term in fit.design.terms:
        for a, effect in enumerate(term.effects):
            if effect != "(Intercept)" and len(term.effects) > 1 and _is_constant(term, a):
                seen = f"`{effect}` is constant within every level of `{term.group}`, and has a random slope there"
                why = (
                    "no level shows a slope: the variance of the slopes can only stand for unequal variances of the "
                    "intercepts"
                )
                return Finding("slopes", 2, seen, 0.0, why, f'blm.lmer("{_without_slope(fit, term, effect)}", data)')
    slopes = sum(e != "(Intercept)" for t in fit.design.terms for e in t.effects)
    seen = "no random slopes" if not slopes else "every predictor with a random slope varies within groups"
    return Finding("slopes", 0, seen, slopes)


def dropped_rows(fit: "Fit") -> Finding:
    """Rows left out for missing values."""
    missing, n = fit.design.n_missing, fit.nobs
    if not missing:
        return Finding("rows", 0, f"all {n} rows were used", 0)
    share = missing / (missing + n)
    seen = f"{missing} of {missing + n} rows ({100 * share:.2g}%) were left out: a value is missing"
    why = "the rest stand for all only where what is missing does not depend on the response beyond the predictors"
    columns = ", ".join(f'"{n}"' for n in fit.design.formula.names())
    do = f"data[data[[{columns}]].isna().any(axis=1)]"
    return Finding("rows", 2 if share > 0.2 else 1, seen, missing, why, do)


def dropped_columns(fit: "Fit") -> Finding:
    """Collinear columns left out of the fixed part."""
    dropped = fit.design.dropped
    if not dropped:
        return Finding("columns", 0, "no column of the fixed part was left out", 0)
    seen = f"left out as collinear: {', '.join(dropped)}"
    why = "the other coefficients take over what it says, and change their meaning by that"
    return Finding("columns", 1, seen, len(dropped), why, "data.groupby([...]).size()  # which cells are empty")


def _scales(fit: "Fit") -> dict[str, float]:
    """The sd of every numeric predictor that is a column of X or of Z, by its name."""
    numeric = {label for t in fit.design.fixed_terms for label in t.numerics}
    found = {}
    for name, column in zip(fit.design.coef_names, fit.design.X.T, strict=True):
        if name in numeric:
            found[name] = float(column.std())
    for term in fit.design.terms:
        for name, column in zip(term.effects, term.Z.T, strict=True):
            if name in fit.design.recipe.kinds and fit.design.recipe.kinds[name].kind == "number":
                found[name] = float(column.std())
    return {name: sd for name, sd in found.items() if sd > 0}


def _farthest(fit: "Fit") -> tuple[float, str, str]:
    """The largest |mean| / sd of a random slope's predictor, where the group has intercepts too."""
    worst = (0.0, "", "")
    for term in fit.design.terms:
        if "(Intercept)" not in term.effects:
            continue
        for name, column in zip(term.effects, term.Z.T, strict=True):
            sd = float(column.std())
            if sd > 0:
                worst = max(worst, (abs(float(column.mean())) / sd, name, term.group))
    return worst


def _is_constant(term: RandomTerm, a: int) -> bool:
    column = term.Z[:, a]
    low, high = np.full(term.n_levels, np.inf), np.full(term.n_levels, -np.inf)
    np.minimum.at(low, term.index, column)
    np.maximum.at(high, term.index, column)
    return bool((high - low <= 1e-12 * max(float(np.abs(column).max()), 1e-300)).all())


def _scaled(fit: "Fit", names: list[str]) -> str:
    """The formula with `scale()` around these predictors, right of the `~`."""
    text = fit.design.formula.written
    for name in names:
        if re.fullmatch(r"[\w.]+", name):
            text = _replace_names(text, name, f"scale({name})")
        else:
            text = text.replace(name, f"scale({name})")
    return text


def _replace_names(text: str, name: str, new: str) -> str:
    """Replace a variable wherever it stands right of the `~`."""
    tokens = tokenize(text)
    start = next(t.position for t in tokens if t.text == "~")
    for token in reversed([t for t in tokens if t.kind == "name" and t.text == name and t.position > start]):
        text = text[: token.position] + new + text[token.position + len(name) :]
    return text


def _without_slope(fit: "Fit", term: RandomTerm, effect: str) -> str:
    """The formula without the random slope that this effect is a column of."""
    formula = fit.design.formula
    for bar in formula.random:
        label = _term_of(bar, effect)
        if bar.group.name == term.group and label:
            fixed = [t.label for t in formula.fixed.terms] + [deparse(call) for call in formula.offsets]
            parts = ["1" if formula.has_intercept else "0", *fixed]
            parts += [f"({_bar_without(b, label) if b is bar else b.text})" for b in formula.random]
            return f"{formula.response.label} ~ {' + '.join(parts)}"
    return formula.written


def _bar_without(bar: Bar, label: str) -> str:
    """A bar's text without one of its terms."""
    left = [t.label for t in bar.effects.terms if t.label != label]
    inside = " + ".join(["1" if bar.effects.has_intercept else "0", *left])
    return f"{inside} {'|' if bar.correlated or not left else '||'} {bar.group.name}"


def _term_of(bar: Bar, effect: str) -> str:
    """The term whose column the effect is: of the same name, or a factor's with a level's name behind it."""
    labels = sorted((t.label for t in bar.effects.terms), key=len, reverse=True)
    return next((label for label in labels if effect == label or effect.startswith(label)), "")


QUESTIONS: tuple[Callable[["Fit"], Finding], ...] = (
    certificate,
    singularity,
    wild_scales,
    constant_slopes,
    dropped_rows,
    dropped_columns,
)
