"""The report of a posterior."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pandas as pd

from bayeslmm.bayes.files import PathLike
from bayeslmm.bayes.priors import Priors
from bayeslmm.results.apa.prose import Apa
from bayeslmm.results.posterior_diagnostics import Diagnostics
from bayeslmm.results.posterior_summary import PosteriorSummary
from bayeslmm.results.report.blocks import Block, Code, CopyText, Paragraph, Picture, Report, Section, Table, page_path
from bayeslmm.results.report.provenance import call, provenance
from bayeslmm.results.report.words import coefficient_sentences, model_sentence

if TYPE_CHECKING:
    from bayeslmm.results.posterior import Posterior

MOST_EFFECTS = 300
OPTIONS = ("chains", "draws", "tune", "engine", "seed")


def report_of_posterior(post: "Posterior", path: PathLike | None, level: float, title: str | None) -> Report:
    """Put the report together, and write it where there is a path."""
    target = None if path is None else page_path(path)
    summary, apa, diagnostics = post.summary(level), post.apa(level), post.diagnostics()
    own = isinstance(post.priors, Priors)
    sections = [
        Section("For the paper", (CopyText(apa.methods), CopyText(apa.results))),
        Section("Fixed effects", tuple(_fixed(post, summary))),
        Section("Random effects", tuple(_random(post, summary))),
        Section("Priors", tuple(_priors(post, own))),
        Section("Can it be trusted?", tuple(_trust(post, diagnostics, own))),
        Section("Summary as printed", (Code(summary.text),)),
        Section("Making this again", provenance(post.design, _code(post), ("pymc", "nutpie", "arviz"))),
    ]
    name = title or f"Bayesian mixed model of {post.design.response}"
    report = Report(name, tuple(_verdict(post, summary, apa, diagnostics)), tuple(sections))
    if target is not None:
        report.write(target)
    return report


def _verdict(post: "Posterior", summary: PosteriorSummary, apa: Apa, diagnostics: Diagnostics) -> Iterator[str]:
    chains, draws = post.draws.shape
    yield model_sentence(post.design, f"{chains * draws} draws of the posterior")
    yield from coefficient_sentences(summary.fixed, apa.terms, summary.level)
    if diagnostics.ok:
        yield "The draws passed all checks."
        return
    for check, row in diagnostics.table.query("not ok").iterrows():
        yield f"Look at this before relying on it ({check}): {row['verdict']}."


def _fixed(post: "Posterior", summary: PosteriorSummary) -> Iterator[Block]:
    yield Picture(
        lambda width: post.plot.forest(summary.level, width),
        "Posterior medians with intervals of coefficients, standard deviations and correlations",
    )
    if summary.fixed.empty:
        yield Paragraph("The model has no fixed effects.")
        return
    yield Table(summary.fixed, f"Coefficients: mean, median, sd, {100 * summary.level:g}% equal-tailed interval")


def _random(post: "Posterior", summary: PosteriorSummary) -> Iterator[Block]:
    yield Table(summary.random.reset_index(drop=True), "Standard deviations and correlations")
    shares = pd.DataFrame({"ICC": post.icc(summary.level), "R2": post.bayes_r2(summary.level)}).T
    yield Table(shares, "Shares of the variance")
    if post.design.terms:
        yield Picture(
            lambda width: post.plot.caterpillar(width=width),
            "Random effects of every level, sorted, with 95% intervals",
        )
    effects = post.ranef(summary.level)
    hidden = f", the first {MOST_EFFECTS} of {len(effects)}" if len(effects) > MOST_EFFECTS else ""
    yield Table(effects.head(MOST_EFFECTS), f"Random effects of every level{hidden}")


def _priors(post: "Posterior", own: bool) -> Iterator[Block]:
    yield Table(post.priors.table, "Priors")
    if own:
        yield Picture(
            lambda width: post.plot.prior_posterior(width=width),
            "Densities of prior and posterior of every parameter, one panel each",
        )


def _trust(post: "Posterior", diagnostics: Diagnostics, own: bool) -> Iterator[Block]:
    yield Table(diagnostics.table.drop(columns="value"), "Checks of the draws")
    yield Picture(
        lambda width: post.plot.ranks(width=width),
        "Ranks and traces of the chains for the parameters with largest R-hat",
    )
    if own:
        checked = post.check()
        yield Table(checked.table, "Does the model make data like those observed? Posterior predictive checks")
        yield Picture(
            lambda width: list(checked.plot(width=width).values()),
            "Posterior predictive checks: observed data beside data of the model, in six panels",
        )


def _code(post: "Posterior") -> str:
    attrs = {str(k): v for k, v in post.data.attrs.items()}
    options = {name: repr(attrs[name]) for name in OPTIONS if name in attrs}
    own = isinstance(post.priors, Priors) and any(not slot.default for slot in post.priors.slots)
    given = {"priors": "priors"} if own else {}
    made = call("blm.brm", post.design, {**given, **options})
    return f'import bayeslmm as blm\n\npost = {made}\nprint(post.summary())\npost.report("report.html")\n'
