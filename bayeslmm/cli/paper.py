"""`bayeslmm report` and `bayeslmm apa`: a page for the co-authors, paragraphs for the paper."""

import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayeslmm.cli.as_json import plain
from bayeslmm.cli.fitting import any_fit, sampled
from bayeslmm.cli.request import Request
from bayeslmm.cli.show import format_of, output_file, print_json, written
from bayeslmm.cli.terminal import Terminal
from bayeslmm.results.fit import Fit

if TYPE_CHECKING:
    from bayeslmm.results.apa.prose import Apa

FORMATS = {".txt": "text", ".md": "markdown", ".tex": "latex", ".html": "html"}
PAGE = '<!doctype html>\n<meta charset="utf-8">\n<title>Methods and results</title>\n{}'
PAGES = (".html", ".htm")


def report(request: Request, out: Path, level: float, title: str | None) -> None:
    """Write the page, and say its verdict.

    Raises
    ------
    BayeslmmError
        With a sentence for the user.
    """
    output_file(out, PAGES)
    terminal = Terminal.new(silent=request.json)
    with terminal.warnings_as_notes():
        found, ddf = _found(request, "report", terminal)
        page = found.report(out, level=level, title=title, **ddf)
        terminal.heading(page.title)
        for sentence in page.verdict:
            terminal.prose(sentence)
        terminal.output(f"Open {out}")
    if request.json:
        about = {"title": page.title, "verdict": list(page.verdict), "sections": [s.title for s in page.sections]}
        _document(request, terminal, "report", about, [str(out)])


def apa(request: Request, out: Path | None, level: float, terms: Sequence[str] | None, format: str | None) -> None:
    """Print methods and results as a paper tells them, or write them to a file.

    Raises
    ------
    BayeslmmError
        With a sentence for the user.
    """
    output_file(out, tuple(FORMATS))
    wanted = format_of(format, out, FORMATS, "text")
    terminal = Terminal.new(silent=request.json)
    with terminal.warnings_as_notes():
        found, ddf = _found(request, "apa", terminal)
        words = found.apa(level=level, terms=terms, **ddf)
        text = _written_as(wanted, words)
    if out is None:
        terminal.output(text.rstrip())
    else:
        written(out, PAGE.format(text) if wanted == "html" else text)
        terminal.output(f"Written to {out}")
    if request.json:
        about = {"methods": words.methods, "results": words.results, "terms": words.terms}
        _document(request, terminal, "apa", about, [] if out is None else [str(out)])


def _found(request: Request, command: str, terminal: Terminal) -> tuple[Any, dict[str, Any]]:
    """The fit, or the posterior where it was asked for; and the degrees of freedom where these are to be chosen."""
    fit = any_fit(request, command, terminal)
    if isinstance(fit, Fit):
        post = sampled(request, fit, terminal)
        return (fit, {"ddf": request.ddf}) if post is None else (post, {})
    return fit, {}


def _written_as(format: str, words: "Apa") -> str:
    """The paragraphs in a format."""
    make = {"text": words.__str__, "markdown": words.to_markdown, "latex": words.to_latex, "html": words.to_html}
    return make[format]().rstrip() + "\n"


def _document(request: Request, terminal: Terminal, command: str, about: dict[str, Any], files: list[str]) -> None:
    head = {"bayeslmm": version("bayeslmm"), "command": command, "formula": request.formula, "data": request.data}
    print_json(terminal, json.dumps(plain({**head, **about, "notes": terminal.notes, "files": files}), allow_nan=False))
