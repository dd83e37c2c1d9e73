"""`bayeslmm reanalyse`: a formula and a file in; the triage as text, JSON, tables and pictures out."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bayeslmm.cli.as_json import plain, records
from bayeslmm.cli.folder import fill, in_a_name, save_table
from bayeslmm.cli.read import read_data
from bayeslmm.cli.request import Request, output_folder
from bayeslmm.cli.show import print_json
from bayeslmm.cli.terminal import Terminal
from bayeslmm.compare.triage.ratio import Bootstrap
from bayeslmm.compare.triage.reanalysis import Reanalysis
from bayeslmm.errors import ArgumentError
from bayeslmm.results.pictures import save_picture
from bayeslmm.verbs.reanalyse import reanalyse

ABOUT = {
    "singular": "what is singular, in words",
    "variances": "sds and correlations: how far each can go, levels and rows behind it",
    "components": "principal components of the random effects of each group",
    "alternatives": "other optimisers, other scales, simpler models: criterion, AIC, likelihood ratio",
    "effects": "what each does to the effects that matter, the posterior last",
    "posterior": "every parameter: estimate, posterior, share near the boundary, overlap with the prior",
    "boundary": "share of the posterior near each boundary that the estimate lies on",
    "conclusions": "the conclusion about each effect, and which analyses lead elsewhere",
    "forest": "an effect under all analyses",
    "variance": "posterior of the sds and correlations, with the estimate",
    "profile": "how far each can go before the criterion rises",
    "report": "one page for co-authors: verdict, paragraphs to copy, tables, pictures",
}
NAMES = {"variances": "parameter", "alternatives": "analysis", "posterior": "parameter", "conclusions": "effect"}


@dataclass(frozen=True, slots=True)
class Triage:
    """One call: what `fit` asks for too, and the options of `blm.reanalyse`."""

    request: Request
    focal: list[str] | None
    near: float
    sensitivity: bool
    bootstrap: str
    draws: int
    chains: int
    seed: int


def run(asked: Triage) -> None:
    """Do what was asked for, and print it.

    Raises
    ------
    BayeslmmError
        With a sentence for the user.
    """
    request = asked.request
    terminal = Terminal.new(silent=request.json)
    if request.out is not None:
        output_folder(request.out)
    data, name = read_data(request.data)
    with terminal.warnings_as_notes():
        found = _reanalysed(asked, data, name)
        terminal.output(str(found))
        files = [] if request.out is None else _write(request.out, found, terminal)
    if request.json:
        print_json(terminal, _document(found, terminal.notes, files))


def _reanalysed(asked: Triage, data: Any, name: str) -> Reanalysis:
    request = asked.request
    return reanalyse(
        request.formula,
        data,
        reml=request.reml,
        weights=request.weights,
        offset=request.offset,
        contrasts=request.contrasts,
        data_name=name,
        focal=asked.focal,
        ddf=request.ddf,
        near=asked.near,
        sensitivity=asked.sensitivity,
        bootstrap=_refits(asked.bootstrap),
        seed=asked.seed,
        sampling={"draws": asked.draws, "chains": asked.chains},
    )


def _refits(text: str) -> Bootstrap:
    """What `--bootstrap` asks for.

    Raises
    ------
    ArgumentError
        It is neither "auto", "none" nor a number.
    """
    if text in ("auto", "none"):
        return "auto" if text == "auto" else 0
    if not text.isdecimal():
        raise ArgumentError(f"--bootstrap {text}: it is auto, none, or a number of refits such as 999")
    return int(text)


def _write(out: Path, found: Reanalysis, terminal: Terminal) -> list[Path]:
    """Write tables, pictures, the report and the text, and list them."""
    files = ((p, ABOUT[p.stem.split("-")[0]]) for p in _files(out, found))
    return fill(out, terminal, files, "reanalysis.txt")


def _files(out: Path, found: Reanalysis) -> Iterator[Path]:
    for name, table in found.tables.items():
        yield save_table(table, out / f"{name}.csv", NAMES.get(name))
    yield from _pictures(out, found)
    found.report(out / "report.html")
    yield out / "report.html"


def _pictures(out: Path, found: Reanalysis) -> Iterator[Path]:
    for effect in found.verdict.conclusions.index:
        yield save_picture(found.plot(str(effect)), out / f"forest-{in_a_name(str(effect))}.png")
    yield save_picture(found.plot_posterior(), out / "variance-posterior.png")
    if found.singular.curves:
        yield save_picture(found.plot_profile(), out / "profile.png")


def _document(found: Reanalysis, notes: Sequence[str], files: Sequence[Path]) -> str:
    """Everything that was found, as JSON."""
    fit, verdict = found.fit, found.verdict
    whole = {
        "bayeslmm": version("bayeslmm"),
        "formula": fit.design.formula.written,
        "data": fit.data_name,
        "nobs": fit.nobs,
        "method": "REML" if fit.reml else "ML",
        "level": found.level,
        "recommendation": verdict.recommendation,
        "recommended_formula": verdict.formula,
        "sentences": list(verdict.sentences),
        "flags": list(verdict.flags),
        **{name: records(table, NAMES.get(name)) for name, table in found.tables.items()},
        "decisions": {name: d.sentence for name, d in found.posterior.decisions.items()},
        "notes": list(notes),
        "files": [str(f) for f in files],
    }
    return json.dumps(plain(whole), allow_nan=False)
