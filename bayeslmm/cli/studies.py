"""`bayeslmm check`, `pooling`, `alternatives`: a text, and a folder with tables and pictures."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import pandas as pd

from bayeslmm.cli.as_json import plain, records
from bayeslmm.cli.fitting import has_bars, mixed_fit, sampled
from bayeslmm.cli.folder import fill, in_a_name, save_table
from bayeslmm.cli.read import read_data
from bayeslmm.cli.request import Request, output_folder
from bayeslmm.cli.show import print_json, written
from bayeslmm.cli.terminal import Terminal
from bayeslmm.cli.write import MOST_LEVELS, pooling_pictures
from bayeslmm.compare.alternatives import Alternatives
from bayeslmm.compare.pooling import Pooling
from bayeslmm.compare.pooling import pooling as pooled
from bayeslmm.errors import FormulaError
from bayeslmm.results.fit import Ddf
from bayeslmm.results.pictures import save_picture
from bayeslmm.results.table_export import to_latex, to_markdown
from bayeslmm.verbs import alternatives as ways

Files = Callable[[Path], Iterator[tuple[Path, str]]]


@dataclass(frozen=True, slots=True)
class Study:
    """What a command found.

    Attributes
    ----------
    text
        As it is printed.
    tables
        By name, with what their rows' names are (None where they say nothing).
    files
        Writes tables and pictures to a folder, one after the other, and says what each is.
    about
        What else belongs into a JSON document.
    """

    text: str
    tables: Mapping[str, tuple[pd.DataFrame, str | None]]
    files: Files
    about: dict[str, Any] = field(default_factory=dict)


def run(command: str, request: Request, make: Callable[..., Study], **options: Any) -> None:
    """Make a study, print it, and fill the folder.

    Raises
    ------
    BayeslmmError
        With a sentence for the user.
    """
    if request.out is not None:
        output_folder(request.out)
    terminal = Terminal.new(silent=request.json)
    with terminal.warnings_as_notes():
        study = make(request, terminal, **options)
        terminal.words(study.text)
        name = f"{command}.txt"
        files = [] if request.out is None else fill(request.out, terminal, study.files(request.out), name)
    if request.json:
        head = {"bayeslmm": version("bayeslmm"), "command": command, "formula": request.formula, "data": request.data}
        tables = {name: records(table, index) for name, (table, index) in study.tables.items()}
        last = {"notes": terminal.notes, "files": [str(f) for f in files]}
        print_json(terminal, json.dumps(plain({**head, **study.about, **tables, **last}), allow_nan=False))


def check(request: Request, terminal: Terminal, seed: int) -> Study:
    """Everything that may be wrong with a fit, and its diagnostic pictures."""
    fit = mixed_fit(request, "check")
    found = fit.check(cast(Ddf, request.ddf), seed)

    def files(out: Path) -> Iterator[tuple[Path, str]]:
        yield save_table(found.table, out / "check.csv", "check"), "each check: what was seen, why it matters, the cure"
        yield save_picture(fit.plot.diagnostics(), out / "diagnostics.png"), "residuals and random effects on one page"

    return Study(str(found), {"table": (found.table, "check")}, files, {"ok": found.ok, "nobs": fit.nobs})


def pooling(request: Request, terminal: Terminal, level: float) -> Study:
    """No, complete and partial pooling of every level."""
    fit = mixed_fit(request, "pooling")
    found = pooled(fit, sampled(request, fit, terminal), level)
    tables = {"table": (found.table, None), "measures": (found.measures, None), "movers": (found.movers(), None)}
    about = {"nobs": fit.nobs, "level": level, "bayes": found.post is not None}
    return Study(str(found), tables, lambda out: _pooling_files(out, found, terminal), about)


def _pooling_files(out: Path, found: Pooling, terminal: Terminal) -> Iterator[tuple[Path, str]]:
    yield (
        save_table(found.table, out / "pooling.csv"),
        "every level: alone, together, partially pooled, and why it moved",
    )
    yield save_table(found.measures, out / "measures.csv"), "explained variance and pooling of each term"
    yield save_table(found.movers(), out / "movers.csv"), "who moved most, and why"
    about = {"shrinkage": "where partial pooling moves each level", "lines": "data and lines of up to 24 levels"}
    for path in pooling_pictures(out, found, terminal):
        yield path, about[path.stem.split("-")[0]]
    for term in found.fit.design.terms:
        group = in_a_name(term.group)
        if term.n_levels <= MOST_LEVELS:
            picture = found.plot_caterpillar(group=term.group)
            yield save_picture(picture, out / f"caterpillar-{group}.png"), "random effects, sorted, with intervals"
        yield (
            save_picture(found.plot_factor(group=term.group), out / f"factor-{group}.png"),
            "pooling factor against rows",
        )


def alternatives(request: Request, terminal: Terminal, **options: Any) -> Study:
    """The ways in which textbooks analyse grouped data, side by side."""
    if not has_bars(request):
        raise FormulaError("alternatives starts from a mixed model: add a bar such as (1 | group)", request.formula)
    data, name = read_data(request.data)
    columns: dict[str, Any] = {"weights": request.weights, "offset": request.offset, "contrasts": request.contrasts}
    found = ways.alternatives(request.formula, data, **options, **columns, priors=request.priors, data_name=name)
    anova = found.rm_anova if isinstance(found.rm_anova, str) else None
    tables: dict[str, tuple[pd.DataFrame, str | None]] = {
        "table": (found.table, None),
        "methods": (found.methods, "method"),
        **({} if isinstance(found.rm_anova, str) else {"rm_anova": (found.rm_anova.table, "term")}),
    }
    about = {"group": found.group, "clusters": found.clusters, "level": found.level, "no_rm_anova": anova}
    return Study(str(found), tables, lambda out: _alternatives_files(out, found), about)


def _alternatives_files(out: Path, found: Alternatives) -> Iterator[tuple[Path, str]]:
    table = found.table
    yield save_table(table, out / "alternatives.csv"), "estimate, se, df, p, interval by every method"
    yield written(out / "alternatives.md", to_markdown(table.drop(columns="note"))), "the same for Markdown"
    yield written(out / "alternatives.tex", to_latex(table.drop(columns="note"))), "the same for LaTeX"
    yield save_table(found.methods, out / "methods.csv", "method"), "what each assumes, and when it misleads"
    if not isinstance(found.rm_anova, str):
        yield save_table(found.rm_anova.table, out / "rm_anova.csv", "term"), "the repeated-measures ANOVA"
    yield save_picture(found.plot(), out / "forest.png"), "each coefficient under every method"
