"""The salary analysis in words. Every number is computed from the fits, and the sentences turn with them."""

from collections.abc import Sequence
from typing import Protocol, cast

import numpy as np

from bayeslmm.demo.analysis import LEVELS, ONE_LINE, SLOPES, TITLE, Analysis, Coefficient, Draws, sds, slope_gain
from bayeslmm.results import rformat
from bayeslmm.results.fit import Fit
from bayeslmm.results.posterior import Posterior


class Page(Protocol):
    """Where the report goes."""

    def heading(self, text: str) -> None:
        """Start a section."""

    def output(self, text: str) -> None:
        """Show a block as it stands."""

    def prose(self, text: str) -> None:
        """Show a paragraph."""

    def items(self, entries: Sequence[tuple[str, str]]) -> None:
        """Show a list of names and what they are."""


def tell(page: Page, analysis: Analysis) -> None:
    """Tell the whole story."""
    _question(page, analysis)
    _one_line(page, analysis)
    _levels(page, analysis)
    _slopes(page, analysis)
    _where_lme4_stops(page, analysis)
    if analysis.posterior is not None:
        _posterior(page, analysis.posterior)
        page.heading("5. Side by side")
        page.output(str(analysis.comparison))
    _pooling(page, analysis)
    _answer(page, analysis)


def _question(page: Page, analysis: Analysis) -> None:
    data = analysis.data
    page.heading(TITLE)
    page.prose(
        f"{len(data)} graduates of {data['major'].nunique()} majors. Salary and grade are in arbitrary units. "
        "The data are simulated, so the truth is known; it comes last."
    )
    means = data.groupby("major", observed=True)[["grade", "salary"]].mean()
    columns = [[str(m) for m in means.index], *([f"{v:.2f}" for v in means[name]] for name in ("grade", "salary"))]
    page.output(rformat.columns_as_text(["major", "mean grade", "mean salary"], columns, [True, False, False]))


def _one_line(page: Page, analysis: Analysis) -> None:
    page.heading(f"1. One line for everybody: {ONE_LINE}")
    page.output(analysis.one_line.summary())
    grade = Coefficient.of(analysis.one_line, "grade")
    means = analysis.data.groupby("major", observed=True)[["grade", "salary"]].mean()
    r = float(np.corrcoef(means["grade"], means["salary"])[0, 1])
    page.prose(
        f"A better grade goes with a {_direction(grade.estimate)} salary: {_n(grade.estimate)} per unit of grade, "
        f"95% interval {_range(*grade.interval)}. But the majors are left out. Those with better grades pay "
        f"{'less' if r < 0 else 'more'} (correlation of the means {r:.2f}), and one line cannot tell a difference "
        "between majors from a difference within them."
    )


def _levels(page: Page, analysis: Analysis) -> None:
    page.heading(f"2. A level for each major: {LEVELS}")
    page.output(str(analysis.levels.summary()))
    grade, icc = Coefficient.of(analysis.levels, "grade"), cast(float, analysis.levels.icc())
    page.prose(
        f"Within a major a better grade goes with a {_direction(grade.estimate)} salary: {_n(grade.estimate)} per "
        f"unit of grade, p = {grade.p:.3f}. The intraclass correlation is {icc:.3f}: of the variance that grade "
        f"leaves, {icc:.0%} lies between majors."
    )


def _slopes(page: Page, analysis: Analysis) -> None:
    fit, levels = analysis.slopes, analysis.levels
    page.heading(f"3. A slope for each major too: {SLOPES}")
    page.output(str(fit.summary()))
    if fit.is_singular:
        page.prose(
            f"The fit is singular: {_reasons(fit)}. That is the edge of what a covariance can be. The likelihood is "
            "highest there because little speaks against it, not because the majors behave like that: do not "
            "interpret these sds and correlations."
        )
    (gain, p), before, after = slope_gain(levels, fit), Coefficient.of(levels, "grade"), Coefficient.of(fit, "grade")
    page.prose(
        f"Slopes of their own cost two parameters, and the REML criterion falls by {gain:.2g} (p = {p:.2f}): "
        f"{fit.ngroups['major']} majors {'do not show' if p > 0.05 else 'show'} that slopes differ. The mean slope "
        f"goes from {before.estimate:.3f} to {after.estimate:.3f}, and its test counts {after.df:.1f} degrees of "
        f"freedom instead of {before.df:.1f}."
    )


def _where_lme4_stops(page: Page, analysis: Analysis) -> None:
    fits = (analysis.slopes, analysis.stopped)
    grade = [Coefficient.of(fit, "grade") for fit in fits]
    page.prose(
        f"lme4's optimiser stops {fits[1].criterion - fits[0].criterion:.1g} above the optimum of the criterion "
        f'(optimizer="bobyqa" goes its way), which changes the df of grade from {grade[0].df:.2f} to '
        f"{grade[1].df:.2f}" + (" and no conclusion." if grade[0].agrees(grade[1]) else ", and the conclusion.")
    )
    rows = [["REML criterion", *(f"{fit.criterion:.8f}" for fit in fits)]]
    rows += [[name, *(f"{sds(fit)[name]:.4f}" for fit in fits)] for name in sds(fits[0])]
    for name in fits[0].fixef.index:
        both = [Coefficient.of(fit, str(name)) for fit in fits]
        rows.append([f"{name} (std. error)", *(f"{c.estimate:.4f} ({c.se:.4f})" for c in both)])
        rows.append([f"{name} df, p", *(f"{c.df:.4f}, {c.p:.4f}" for c in both)])
    columns = list(map(list, zip(*rows, strict=True)))
    page.output(rformat.columns_as_text(["", "at the optimum", "where lme4 stops"], columns, [True, False, False]))


def _posterior(page: Page, posterior: Posterior) -> None:
    page.heading("4. The posterior of the same model")
    page.prose(
        "Not the one highest point, but every value in proportion to how well it fits the data and the priors, which "
        "are wide and stand in the summary. NUTS draws from it."
    )
    page.output(str(posterior.summary()))
    page.output(str(posterior.diagnostics()))
    sd, cor = _sd_of_slopes(posterior), Draws.of(posterior.draws.cor(posterior.design.terms[0])[:, 0])
    page.prose(
        f"What REML put at the edge is open: the correlation may be anything from {cor.lower:.2f} to {cor.upper:.2f}, "
        f"and the sd of the slopes anything from {sd.lower:.2g} to {sd.upper:.2g} (95% intervals). The posterior "
        "averages over all of that in what it says about grade."
    )


def _pooling(page: Page, analysis: Analysis) -> None:
    pooled = analysis.pooled
    page.heading("4. Partial pooling" if analysis.posterior is None else "6. Partial pooling")
    page.output(str(pooled))
    table = pooled.table[pooled.table["term"] == "grade"]
    kinds = {"by REML": "reml", **({} if pooled.post is None else {"in the posterior": "bayes"})}
    ranges = [f"from {_range(table[column].min(), table[column].max())} {how}" for how, column in kinds.items()]
    if any(s.kind == "correlation" for s in analysis.slopes.singularities):
        page.prose(
            "At a correlation of +1 or -1 REML reads a major's slope off its level. The factor sets correlations to "
            "zero: it says how little the graduates of a major tell of its slope themselves."
        )
    page.prose(
        f"{table['n'].iloc[0]} graduates say little about a slope: taken alone, the majors' slopes run from "
        f"{_range(table['no_pooling'].min(), table['no_pooling'].max())}; with what the other majors know, "
        f"{' and '.join(ranges)}. Their levels are known well and hardly move."
    )


def _answer(page: Page, analysis: Analysis) -> None:
    fit, posterior = analysis.slopes, analysis.posterior
    page.heading("5. The answer" if posterior is None else "7. The answer")
    grade, reasons = Coefficient.of(fit, "grade"), _reasons(fit)
    draws = None if posterior is None else Draws.of(posterior.draws.beta[:, posterior.design.coef_names.index("grade")])
    found = f"REML says {_n(grade.estimate)} (95% interval {_range(*grade.interval)}, p = {grade.p:.3f})"
    if draws is not None:
        found += f"; the posterior says {_n(draws.median)} ({_range(draws.lower, draws.upper)})"
    entries = [
        (
            "Grade",
            f"Within a major, a better grade goes with a {_direction(grade.estimate)} salary. {found}. Without the "
            f"majors the estimate was {_n(analysis.one_line.fixef['grade'])}.",
        )
    ]
    if fit.is_singular:
        why = f"{reasons[:1].upper()}{reasons[1:]}: {fit.ngroups['major']} majors are too few to tell."
        entries.append(("Singular", f"{why} Report the posterior of the sds and correlations, not these estimates."))
    if posterior is not None and draws is not None:
        entries.append(("How sure", _how_sure(grade, draws, sds(fit)["sd major grade"], _sd_of_slopes(posterior))))
    page.items([*entries, ("Truth", _truth(analysis, grade, draws))])


def _truth(analysis: Analysis, grade: Coefficient, draws: Draws | None) -> str:
    slopes = analysis.data.groupby("major", observed=True)["slope"].first()
    intervals = {"REML": grade.interval, **({} if draws is None else {"posterior": (draws.lower, draws.upper)})}
    held = [name for name, (lower, upper) in intervals.items() if lower <= slopes.mean() <= upper]
    return (
        f"The majors' true slopes average {_n(slopes.mean())} with an sd of {_n(slopes.std())}. Intervals that hold "
        f"the average: {', '.join(held) or 'none'}."
    )


def _how_sure(grade: Coefficient, draws: Draws, sd: float, slopes: Draws) -> str:
    """Where test and posterior part, it is over how much slopes may differ."""
    likely = max(draws.positive, 1 - draws.positive)
    lower, upper = grade.interval
    says = f"The posterior gives this sign a probability of {likely:.3f}"
    if (lower <= 0 <= upper) == (draws.lower <= 0 <= draws.upper):
        return f"{says}, and agrees with the test."
    surer = "surer" if not lower <= 0 <= upper else "less sure"
    return (
        f"{says}; the test is {surer}. It rests on an sd of the slopes of {_n(sd)}, whose uncertainty it counts in the "
        f"degrees of freedom only; the posterior allows for {_range(slopes.lower, slopes.upper)}. Whoever knows that "
        "slopes hardly differ between majors may follow the test, or better, say so in the prior of that sd: "
        'priors={"sd_major[grade]": blm.HalfNormal(1)}.'
    )


def _sd_of_slopes(posterior: Posterior) -> Draws:
    term = posterior.design.terms[0]
    return Draws.of(posterior.draws.sd(term)[:, term.effects.index("grade")])


def _reasons(fit: Fit) -> str:
    return "; ".join(s.sentence for s in fit.singularities)


def _direction(slope: float) -> str:
    return "higher" if slope > 0 else "lower"


def _range(lower: float, upper: float) -> str:
    return f"{_n(lower)} to {_n(upper)}"


def _n(value: float) -> str:
    """Three significant digits, trailing zeros kept."""
    decimals = max(0, 2 - int(np.floor(np.log10(abs(value))))) if value else 0
    return f"{value:.{decimals}f}"
