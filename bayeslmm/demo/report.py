"""The report of the salary analysis: one page that can be sent to somebody."""

from pathlib import Path

from bayeslmm.demo.analysis import TITLE, Analysis


def report(analysis: Analysis, path: Path) -> Path:
    """Write what happened and what can be concluded: the reanalysis, or without a posterior the fit alone."""
    (analysis.reanalysis or analysis.slopes).report(path, title=TITLE)
    return path
