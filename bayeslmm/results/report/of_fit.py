"""The report of a REML or ML fit."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from bayeslmm.bayes.files import PathLike
from bayeslmm.point.distributions import t_quantile
from bayeslmm.results.apa.prose import Apa
from bayeslmm.results.check import Check, check
from bayeslmm.results.fit_plots import FitPlots, simulations
from bayeslmm.results.report.blocks import Block, Code, CopyText, Paragraph, Picture, Report, Section, Table, page_path
from bayeslmm.results.report.provenance import call, provenance
from bayeslmm.results.report.words import coefficient_sentences, model_sentence

if TYPE_CHECKING:
    from bayeslmm.results.fit import Ddf, Fit

MOST_EFFECTS, MOST_PICTURES = 300, 4


def report_of_fit(fit: "Fit", path: PathLike | None, ddf: "Ddf", level: float, title: str | None) -> Report:
    """Put the report together, and write it where there is a path."""
    target = None if path is None else page_path(path)
    plots, apa = FitPlots(fit), fit.apa(ddf, level)
    checked = check(fit, ddf, partial(simulations, plots))
    tests = _with_intervals(fit.tests(ddf), level)
    sections = [
        Section("For the paper", (CopyText(apa.methods), CopyText(apa.results))),
        Section("Fixed effects", tuple(_fixed(fit, plots, tests, ddf))),
        Section("Random effects", tuple(_random(fit, plots))),
        Section("Can it be trusted?", tuple(_trust(fit, plots, checked))),
        Section("Summary as printed", (Code(fit.summary(ddf).text),)),
        Section("Making this again", provenance(fit.design, _code(fit, ddf))),
    ]
    name = title or f"Mixed model of {fit.design.response}"
    report = Report(name, tuple(_verdict(fit, tests, level, checked, apa)), tuple(sections))
    if target is not None:
        report.write(target)
    return report


def _with_intervals(tests: pd.DataFrame, level: float) -> pd.DataFrame:
    half = t_quantile(0.5 + level / 2, tests["df"].to_numpy()) * tests["se"]
    ends = {"lower": tests["estimate"] - half, "upper": tests["estimate"] + half}
    return tests.assign(**ends)[["estimate", "se", "lower", "upper", "df", "t", "p"]]


def _verdict(fit: "Fit", tests: pd.DataFrame, level: float, checked: Check, apa: Apa) -> Iterator[str]:
    yield model_sentence(fit.design, f"fitted by {'REML' if fit.reml else 'maximum likelihood'}")
    yield from coefficient_sentences(tests, apa.terms, level)
    if fit.is_singular:
        yield "The fit is singular: " + "; ".join(s.sentence.replace("`", "") for s in fit.singularities) + "."
    serious = checked.table[checked.table["severity"] >= 2].drop(index="singularity", errors="ignore")
    for name, row in serious.iterrows():
        yield f"Look at this before relying on it ({name}): {row['seen']}.".replace("`", "")
    if not fit.is_singular and serious.empty:
        yield "No check of the fit found anything that would change these conclusions."


def _fixed(fit: "Fit", plots: FitPlots, tests: pd.DataFrame, ddf: str) -> Iterator[Block]:
    if tests.empty:
        yield Paragraph("The model has no fixed effects.")
        return
    yield Table(tests, f"Coefficients; degrees of freedom: {ddf}")
    for name in list(fit.design.columns)[:MOST_PICTURES]:
        yield Picture(
            partial(_effects, plots, name),
            f"Expected {fit.design.response} along {name} with 95% intervals, over the data",
        )


def _effects(plots: FitPlots, name: str, width: float) -> Any:
    return plots.effects(name, width=width)


def _random(fit: "Fit", plots: FitPlots) -> Iterator[Block]:
    yield Table(fit.varcorr, "Variances, standard deviations, correlations")
    shares = {"ICC": fit.icc(), **{f"R2 {k}": v for k, v in fit.r2().items()}}
    yield Table(pd.Series(shares, name="share"), "Shares of the variance")
    if not fit.design.terms:
        return
    yield Picture(
        lambda width: plots.caterpillar(width=width), "Random effects of every level, sorted, with 95% intervals"
    )
    effects = fit.ranef()
    hidden = f", the first {MOST_EFFECTS} of {len(effects)}" if len(effects) > MOST_EFFECTS else ""
    yield Table(effects.head(MOST_EFFECTS), f"Random effects: conditional modes with their sds{hidden}")


def _trust(fit: "Fit", plots: FitPlots, checked: Check) -> Iterator[Block]:
    table = checked.table.drop(columns="value")
    yield Table(table, "Checks, worst first; severity from 0 (nothing seen) to 3")
    yield Picture(
        lambda width: plots.residuals(width=width),
        "Scatter plot: scaled residuals against fitted values, row by row",
    )
    yield Picture(lambda width: plots.qq(width=width), "Normal Q-Q plot of the residuals with a simultaneous 95% band")
    if fit.design.terms:
        yield Picture(
            lambda width: plots.boxes(width=width), "Box plots of scaled residuals by level, the widest on top"
        )
        yield Picture(
            lambda width: plots.ranef_qq(width=width), "Normal Q-Q plots of the random effects with 95% bands"
        )


def _code(fit: "Fit", ddf: str) -> str:
    method = fit.optimizer.split()[0]
    options = {} if fit.reml else {"reml": "False"}
    if method not in ("lbfgs", "none"):
        options["optimizer"] = repr(method)
    made = call("blm.lmer", fit.design, options)
    return f'import bayeslmm as blm\n\nfit = {made}\nprint(fit.summary(ddf="{ddf}"))\nfit.report("report.html")\n'
