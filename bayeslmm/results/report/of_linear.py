"""The report of a linear fit."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from bayeslmm.bayes.files import PathLike
from bayeslmm.results.linear_plots import LinearPlots, largest_cooks, p_values
from bayeslmm.results.report.blocks import Block, Code, CopyText, Paragraph, Picture, Report, Section, Table, page_path
from bayeslmm.results.report.provenance import call, provenance
from bayeslmm.results.report.words import coefficient_sentences, model_sentence

if TYPE_CHECKING:
    from bayeslmm.results.linear_fit import LinearFit

MOST_PICTURES = 4
DOUBTFUL, FEW_DF, LARGE_COOKS = 0.01, 4.0, 1.0  # below 4 df such tests reject too often (Pustejovsky & Tipton 2018)


def report_of_linear(fit: "LinearFit", path: PathLike | None, level: float, title: str | None) -> Report:
    """Put the report together, and write it where there is a path."""
    target = None if path is None else page_path(path)
    plots, apa = LinearPlots(fit), fit.apa(level)
    tests = fit.tests().join(fit.confint(level))[["estimate", "se", "lower", "upper", "df", "t", "p"]]
    verdict = [
        model_sentence(
            fit.design, "fitted by weighted least squares" if fit.design.has_weights else "fitted by least squares"
        ),
        *coefficient_sentences(tests, apa.terms, level),
        *_doubts(fit, plots),
    ]
    sections = [
        Section("For the paper", (CopyText(apa.methods), CopyText(apa.results))),
        Section("Coefficients", tuple(_coefficients(fit, plots, tests, level))),
        Section("Can it be trusted?", tuple(_trust(fit, plots))),
        Section("Summary as printed", (Code(fit.summary()),)),
        Section("Making this again", provenance(fit.design, _code(fit))),
    ]
    report = Report(title or f"Linear model of {fit.design.response}", tuple(verdict), tuple(sections))
    if target is not None:
        report.write(target)
    return report


def _doubts(fit: "LinearFit", plots: LinearPlots) -> Iterator[str]:
    """What stands against these numbers."""
    if fit.clusters is not None:
        df = fit.tests()["df"]
        if (df < FEW_DF).any():
            few = ", ".join(str(name) for name in df.index[df < FEW_DF])
            yield (
                f"Few clusters ({fit.clusters.count}): tests with fewer than {FEW_DF:g} degrees of freedom are not to "
                f"be relied on ({few}); see wild_bootstrap()."
            )
    normal, spread = p_values(plots)
    if spread < DOUBTFUL and fit.clusters is None:
        yield f"The spread of the residuals changes with the fitted values (p = {spread:.2g}); see robust()."
    if normal < DOUBTFUL:
        yield f"The residuals are not like those of a normal distribution (p = {normal:.2g})."
    cooks = largest_cooks(plots)
    if cooks[1] > LARGE_COOKS:
        yield f"Row {cooks[0]} decides much: its Cook's distance is {cooks[1]:.2g}."


def _coefficients(fit: "LinearFit", plots: LinearPlots, tests: Any, level: float) -> Iterator[Block]:
    if tests.empty:
        yield Paragraph("The model has no coefficients.")
        return
    how = f"{fit.df_resid} degrees of freedom" if fit.clusters is None else fit.robust().title
    yield Table(tests, f"Coefficients with {100 * level:g}% intervals; {how}")
    terms = fit.anova()
    if not terms.table.empty:
        yield Table(terms.table, f"F tests of the terms, type {terms.type}")
    for name in list(fit.design.columns)[:MOST_PICTURES]:
        yield Picture(
            partial(_effects, plots, name, level),
            f"Expected {fit.design.response} along {name} with {100 * level:g}% intervals, over the data",
        )


def _effects(plots: LinearPlots, name: str, level: float, width: float) -> Any:
    return plots.effects(name, level=level, width=width)


def _trust(fit: "LinearFit", plots: LinearPlots) -> Iterator[Block]:
    yield Paragraph(
        "Bands are from responses simulated with independent errors of one variance"
        + (" for each weight." if fit.design.has_weights else ".")
    )
    yield Picture(lambda width: plots.residuals(width), "Scatter plot: standardised residuals against fitted values")
    yield Picture(lambda width: plots.qq(width=width), "Normal Q-Q plot of the residuals with a simultaneous 95% band")
    yield Picture(
        lambda width: plots.scale_location(width=width),
        "Roots of the sizes of the residuals against fitted values, with local means and their 95% band",
    )
    yield Picture(lambda width: plots.leverage(width), "Scatter plot: standardised residuals against leverage")


def _code(fit: "LinearFit") -> str:
    options = {}
    if fit.clusters is not None:
        options["cluster"] = "cluster" if fit.clusters.name == "an array" else repr(fit.clusters.name)
    made = call("blm.lm", fit.design, options)
    return f'import bayeslmm as blm\n\nfit = {made}\nprint(fit.summary())\nfit.report("report.html")\n'
