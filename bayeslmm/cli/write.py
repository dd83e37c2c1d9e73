"""Write what was found to a folder: tables as csv, pictures as png, the report as text."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

from bayeslmm.cli.folder import fill, in_a_name, save_table
from bayeslmm.cli.request import Request
from bayeslmm.cli.terminal import Terminal
from bayeslmm.compare.pooling import Pooling, pooling
from bayeslmm.results.fit import Ddf, Fit
from bayeslmm.results.pictures import save_picture
from bayeslmm.results.posterior import Posterior

if TYPE_CHECKING:
    from bayeslmm.cli.fit import Answer

MOST_LEVELS = 60


def write(request: Request, answer: "Answer", terminal: Terminal) -> list[Path]:
    """Write everything, list it on the terminal, and return the files.

    Raises
    ------
    ArgumentError
        A file cannot be written.
    """
    assert request.out is not None
    files = _files(request.out, request, answer, terminal)
    return fill(request.out, terminal, ((p, ABOUT[p.stem.split("-")[0]]) for p in files), "report.txt")


ABOUT = {
    "fixed": "fixed effects: estimate, se, df, t, p",
    "varcorr": "variances, sds and correlations of the random effects",
    "ranef": "random effects of every level, with conditional sds",
    "coef": "coefficients of every level: fixed plus random part",
    "pooling": "no, complete and partial pooling of every level",
    "posterior_fixed": "fixed effects: posterior mean, median, sd, interval, R-hat, ESS",
    "posterior_random": "sds and correlations: the same",
    "posterior_ranef": "random effects of every level: mean, sd, interval",
    "diagnostics": "can the draws be trusted: each check, and what to do",
    "comparison": "REML and posterior, parameter by parameter",
    "posterior": "all draws; xarray.open_datatree reads it, and ArviZ plots it",
    "shrinkage": "where partial pooling moves each level",
    "lines": "data and lines of up to 24 levels: alone, together, partially pooled",
}


def _files(out: Path, request: Request, answer: "Answer", terminal: Terminal) -> Iterator[Path]:
    fit = answer.fit
    if not isinstance(fit, Fit):
        yield save_table(fit.tests(), out / "fixed.csv", "term")
        return
    yield save_table(fit.tests(cast(Ddf, request.ddf)), out / "fixed.csv", "term")
    yield save_table(fit.varcorr, out / "varcorr.csv")
    yield save_table(fit.ranef(), out / "ranef.csv")
    yield save_table(fit.coef(), out / "coef.csv")
    pooled = pooling(fit, answer.posterior) if fit.design.terms else None
    if pooled is not None:
        yield save_table(pooled.table, out / "pooling.csv")
    if answer.posterior is not None:
        yield from _posterior_files(out, answer.posterior)
    if answer.comparison is not None:
        yield save_table(answer.comparison.table, out / "comparison.csv", "parameter")
        yield save_picture(answer.comparison.plot(), out / "comparison.png")
    if pooled is not None:
        yield from pooling_pictures(out, pooled, terminal)


def _posterior_files(out: Path, posterior: Posterior) -> Iterator[Path]:
    summary = posterior.summary()
    yield save_table(summary.fixed, out / "posterior_fixed.csv", "term")
    yield save_table(summary.random, out / "posterior_random.csv", "parameter")
    yield save_table(posterior.ranef(), out / "posterior_ranef.csv")
    yield save_table(posterior.diagnostics().table, out / "diagnostics.csv", "check")
    path = out / "posterior.nc"
    posterior.save(path)
    yield path


def pooling_pictures(out: Path, pooled: Pooling, terminal: Terminal) -> Iterator[Path]:
    """One picture of each kind for each grouping factor, unless its rows of levels would not fit on a page."""
    for term in pooled.fit.design.terms:
        group = in_a_name(term.group)
        if term.n_levels <= MOST_LEVELS or term.k > 1:
            yield save_picture(pooled.plot(group=term.group), out / f"shrinkage-{group}.png")
        else:
            terminal.note(f"no shrinkage picture of `{term.group}`: {term.n_levels} levels are too many for one")
        if {*term.effects, *pooled.fit.design.coef_names} - {"(Intercept)"}:
            yield save_picture(pooled.plot_lines(group=term.group), out / f"lines-{group}.png")
