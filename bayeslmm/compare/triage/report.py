"""The report of a reanalysis: the verdict first, then what it rests on, and code that makes it again."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from matplotlib.axes import Axes

from bayeslmm.bayes.files import PathLike
from bayeslmm.compare.triage import shown
from bayeslmm.results.apa.numbers import p_value
from bayeslmm.results.report import Block, Code, CopyText, Paragraph, Picture, Report, Section, Table
from bayeslmm.results.report.blocks import page_path
from bayeslmm.results.report.provenance import call, provenance

if TYPE_CHECKING:
    from bayeslmm.compare.triage.reanalysis import Reanalysis
    from bayeslmm.results.apa.prose import Apa


def report_of_reanalysis(found: "Reanalysis", path: PathLike | None, title: str | None) -> Report:
    """Put the report together, and write it where there is a path."""
    target = None if path is None else page_path(path)
    sections = [
        Section("For the paper", _paragraphs(found)),
        Section("The effects that matter", tuple(_effects(found))),
        Section("What is singular", tuple(_singular(found))),
        Section("In the frequentist frame", tuple(_alternatives(found))),
        Section("The posterior", tuple(_posterior(found))),
        Section("As printed", (Code(str(found)),)),
        Section("Making this again", provenance(found.fit.design, _code(found), ("pymc", "nutpie", "arviz"))),
    ]
    name = title or f"Reanalysis of {found.fit.design.formula.written}"
    report = Report(name, _verdict(found), tuple(sections))
    if target is not None:
        report.write(target)
    return report


def _verdict(found: "Reanalysis") -> tuple[str, ...]:
    return tuple(_plain(s) for s in found.verdict.sentences)


def _plain(sentence: str) -> str:
    return sentence.replace("`", "")


def _paragraphs(found: "Reanalysis") -> tuple[Block, ...]:
    """Methods and results of the analysis that is recommended, and then of another that may be reported."""
    method = "REML" if found.fit.reml else "ML"
    which = found.verdict.recommendation
    fit, posterior = found.fit.apa(level=found.level), found.posterior.post.apa(found.level)
    if which == "sample again":
        return (*_copied(fit), Paragraph("The posterior is not for the paper yet: see the verdict."))
    if which in ("as written", "fit again"):
        return (*_copied(fit), Paragraph("For comparison, the posterior of the same model:"), *_copied(posterior))
    simpler = found.simpler_fit
    if which == "simpler" and simpler is not None:
        same = Paragraph("For comparison, the posterior of the model as first written:")
        methods, results = _copied(simpler.apa(level=found.level))
        return (CopyText(f"{methods.text} {_why_simpler(found)}"), results, same, *_copied(posterior))
    return (*_copied(posterior), Paragraph(f"For comparison, the {method} fit of the same model:"), *_copied(fit))


def _why_simpler(found: "Reanalysis") -> str:
    """What a paper says of a model that is not the one that was planned."""
    table = found.alternatives.table
    row = table[table["formula"] == found.verdict.formula].iloc[0]
    p = float(shown.deciding(table)[str(row.name)])
    bound = ", from a chi-square that is conservative for variances" if shown.too_large(row.to_dict()) else ""
    return (
        f"This model is simpler than the one that was planned, {found.fit.design.formula.written}, of which the "
        f"fit was singular: the likelihood ratio did not speak against it ({p_value(p)}{bound}), and the posterior of "
        "the model that was planned led to the same conclusions."
    )


def _copied(paragraphs: "Apa") -> tuple[CopyText, CopyText]:
    return CopyText(paragraphs.methods), CopyText(paragraphs.results)


def _effects(found: "Reanalysis") -> Iterator[Block]:
    if found.effects.empty:
        yield Paragraph("The model has no fixed effects.")
        return
    yield Table(shown.conclusions(found), "Conclusion about each effect, and which analyses lead elsewhere")
    for name in found.verdict.conclusions.index:
        yield Picture(
            partial(_forest, found, str(name)),
            f"Forest plot: estimate and interval of {name} under every analysis, the posterior last",
        )
        interval = f"{100 * found.level:g}% intervals; in brackets where the analysis does not count"
        yield Table(shown.effects(found, str(name)), f"{name} under all analyses, {interval}")
    if found.verdict.flags:
        yield Paragraph("\n\n".join(_plain(f) for f in found.verdict.flags))


def _after(notes: str) -> str:
    return f"; {notes}" if notes else ""


def _forest(found: "Reanalysis", effect: str, width: float) -> Axes:
    return found.plot(effect, width=width)


def _singular(found: "Reanalysis") -> Iterator[Block]:
    part = found.singular
    if not part.is_singular:
        yield Paragraph("Nothing: every variance and correlation lies inside its range.")
    else:
        yield Paragraph("\n\n".join(f"{_plain(s)}." for s in part.reasons["sentence"]))
    rise = f"lower, upper: how far each can go before the {part.criterion} rises by more than {part.rise:.3g}"
    yield Table(shown.variances(found), f"Sds and correlations; {rise}")
    if part.curves:
        yield Picture(
            lambda width: found.plot_profile(width),
            f"Profiles: the rise of the {part.criterion} against the value of each sd and correlation",
        )
    yield Table(part.components, "Principal components of the random effects")


def _alternatives(found: "Reanalysis") -> Iterator[Block]:
    notes = "; ".join(shown.alternatives_notes(found))
    yield Table(shown.alternatives(found), "Other optimisers, other scales, simpler random parts" + _after(notes))


def _posterior(found: "Reanalysis") -> Iterator[Block]:
    part = found.posterior
    near = f"near: an sd that adds less than {part.near:g} of the residual sd, a correlation beyond {1 - part.near:g}"
    yield Table(
        shown.parameters(found),
        f"Every parameter; below: share of draws below the estimate; {near}; overlap with the prior",
    )
    if found.singular.is_singular:
        yield Table(
            part.boundary,
            "Share of the posterior near each boundary that the estimate lies on: where a combination of these effects "
            f"adds less than {part.near:g} of the residual sd to a typical row",
        )
    yield Picture(
        lambda width: found.plot_posterior(width),
        "Histograms of the posterior of every sd and correlation, with a line at the estimate",
    )
    if part.sentences:
        yield Paragraph("\n\n".join(part.sentences))


def _code(found: "Reanalysis") -> str:
    options = {} if found.fit.reml else {"reml": "False"}
    made = call("blm.reanalyse", found.fit.design, options)
    return f'import bayeslmm as blm\n\nfound = {made}\nprint(found)\nfound.report("report.html")\n'
