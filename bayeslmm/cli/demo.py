"""`bayeslmm demo`: the salary analysis on the terminal, with its pictures and the report to open in a folder."""

from functools import partial
from pathlib import Path

from bayeslmm.cli.request import output_folder
from bayeslmm.cli.sampling import sample
from bayeslmm.cli.terminal import Terminal
from bayeslmm.demo import Analysis, pictures, report, tell
from bayeslmm.errors import ArgumentError

REPORT = "report.html"


def run(out: Path, seed: int, bayes: bool) -> None:
    """Run the demo.

    Raises
    ------
    ArgumentError
        The folder cannot be written to.
    """
    terminal = Terminal.new()
    output_folder(out)
    with terminal.warnings_as_notes():
        analysis = Analysis(partial(sample, terminal=terminal, seed=seed) if bayes else None)
        tell(terminal, analysis)
        _write(terminal, analysis, out)
    terminal.heading("Your own data")
    terminal.output('bayeslmm fit "y ~ x + (x | g)" data.csv --bayes --out results')
    terminal.heading("The report, on one page")
    terminal.output(f"Open {out / REPORT}")


def _write(terminal: Terminal, analysis: Analysis, out: Path) -> None:
    terminal.heading(f"Pictures in {out}")
    try:
        written = [(path.name, about) for path, about in pictures(analysis, out)]
        report(analysis, out / REPORT)
        terminal.items([*written, (REPORT, "all on one page, for co-authors"), ("report.txt", "this text")])
        (out / "report.txt").write_text(terminal.text, encoding="utf-8")
    except OSError as error:
        raise ArgumentError(f"--out {out}: {error.strerror or error}; give another folder") from error
