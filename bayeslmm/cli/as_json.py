"""Results as one JSON document: tables as lists of records, NaN and infinity as null."""

import json
import math
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from bayeslmm.cli.request import Request
from bayeslmm.results.fit import Ddf, Fit
from bayeslmm.results.linear_fit import LinearFit

if TYPE_CHECKING:
    from bayeslmm.cli.fit import Answer
    from bayeslmm.results.posterior import Posterior


def document(request: Request, answer: "Answer", notes: Sequence[str], files: Sequence[Path]) -> str:
    """Return everything that was found."""
    fit = answer.fit
    found = _of_fit(fit, request) if isinstance(fit, Fit) else _of_linear(fit)
    whole = {
        "bayeslmm": version("bayeslmm"),
        "formula": fit.design.formula.written,
        "data": fit.data_name,
        "nobs": fit.design.n,
        "rows_left_out": fit.design.n_missing,
        "columns_left_out": list(fit.design.dropped),
        "contrasts": dict(fit.design.contrasts),
        **found,
        "posterior": None if answer.posterior is None else _of_posterior(answer.posterior),
        "comparison": None if answer.comparison is None else records(answer.comparison.table, "parameter"),
        "notes": list(notes),
        "files": [str(f) for f in files],
    }
    return json.dumps(plain(whole), allow_nan=False)


def _of_fit(fit: Fit, request: Request) -> dict[str, Any]:
    tests = fit.tests(cast(Ddf, request.ddf))
    return {
        "method": "REML" if fit.reml else "ML",
        "groups": fit.ngroups.to_dict(),
        "criterion": fit.criterion,
        "loglik": fit.loglik,
        "aic": fit.aic,
        "bic": fit.bic,
        "sigma": fit.sigma,
        "icc": cast(pd.Series, fit.icc(by_group=True)).to_dict(),
        "singular": fit.is_singular,
        "singularities": [s.sentence for s in fit.singularities],
        "converged": fit.converged,
        "optimizer": fit.optimizer,
        "ddf": request.ddf,
        "fixed": records(tests, "term"),
        "varcorr": records(fit.varcorr),
        "ranef": records(fit.ranef()),
    }


def _of_linear(fit: LinearFit) -> dict[str, Any]:
    F, numerator, denominator, p = fit.f_test
    return {
        "method": "least squares",
        "groups": {},
        "loglik": fit.loglik,
        "aic": fit.aic,
        "bic": fit.bic,
        "sigma": fit.sigma,
        "r2": fit.r2,
        "adj_r2": fit.adj_r2,
        "clusters": None if fit.clusters is None else {"name": fit.clusters.name, "count": fit.clusters.count},
        "f_test": {"F": F, "df": [numerator, denominator], "p": p},
        "fixed": records(fit.tests(), "term"),
    }


def _of_posterior(posterior: "Posterior") -> dict[str, Any]:
    summary, diagnostics = posterior.summary(), posterior.diagnostics()
    return {
        "chains": diagnostics.chains,
        "draws": diagnostics.draws,
        "level": summary.level,
        "fixed": records(summary.fixed, "term"),
        "random": records(summary.random, "parameter"),
        "icc": records(cast(pd.DataFrame, posterior.icc(by_group=True)), "group"),
        "ok": diagnostics.ok,
        "diagnostics": records(diagnostics.table, "check"),
        "priors": records(posterior.priors.table),
    }


def records(table: pd.DataFrame, index: str | None = None) -> list[dict[str, Any]]:
    """One dict per row; the row's name goes to the key `index`."""
    rows = table.to_dict("records")
    if index is None:
        return [{str(k): v for k, v in row.items()} for row in rows]
    return [{index: name, **{str(k): v for k, v in row.items()}} for name, row in zip(table.index, rows, strict=True)]


def plain(value: Any) -> Any:
    """Return a value made of JSON's own types; numbers that JSON has not become None."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(v) for v in value]
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    return None if value is None or value is pd.NA else str(value)
