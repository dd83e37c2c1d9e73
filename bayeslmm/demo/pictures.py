"""The pictures of the salary analysis, and what to see in each."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bayeslmm.compare.marginals import marginals
from bayeslmm.demo.analysis import Analysis
from bayeslmm.results.pictures import save_picture


def pictures(analysis: Analysis, out: Path) -> Iterator[tuple[Path, str]]:
    """Write the pictures to a folder; yield each with what to see in it."""
    for name, draw, about in _all(analysis):
        yield save_picture(draw(), out / name), about


def _all(analysis: Analysis) -> Iterator[tuple[str, Callable[[], Any], str]]:
    pooled, posterior, comparison = analysis.pooled, analysis.posterior, analysis.comparison
    yield "lines.png", pooled.plot_lines, "each major's graduates, and how the line for everybody misses them"
    yield "shrinkage.png", pooled.plot, "each major's own line, and where partial pooling puts it"
    if posterior is not None and comparison is not None:
        yield "comparison.png", comparison.plot, "REML and posterior, one below the other; * marks where they differ"
        yield (
            "posterior.png",
            lambda: marginals(analysis.slopes, posterior),
            "all values of each parameter, and where in them REML's estimate lies",
        )
