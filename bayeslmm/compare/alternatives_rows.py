"""The rows of each way in the table of `blm.alternatives`, or why it has none."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from bayeslmm.compare.alternatives_mixed import sentence
from bayeslmm.compare.alternatives_notes import about_row
from bayeslmm.compare.classical import COLUMNS, Study, cluster_means, clustered, fixed_effects, ols, tested, wild
from bayeslmm.compare.comparison import summarise
from bayeslmm.compare.methods import CR2, FIXED, HC1, INTERACTION, MEANS, OLS, WILD
from bayeslmm.errors import DataError
from bayeslmm.results.fit import Fit
from bayeslmm.results.posterior import Posterior

type Way = Callable[[Study], tuple[pd.DataFrame, str]]


def _plainly(way: Callable[[Study], pd.DataFrame]) -> Way:
    return lambda study: (way(study), "")


CLASSICAL: dict[str, Way] = {
    OLS: _plainly(ols),
    HC1: _plainly(partial(clustered, kind="HC1")),
    CR2: _plainly(partial(clustered, kind="HC2")),
    WILD: _plainly(wild),
    MEANS: _plainly(cluster_means),
    FIXED: _plainly(partial(fixed_effects, interaction=False)),
    INTERACTION: _plainly(partial(fixed_effects, interaction=True)),
}


def rows_of(study: Study, method: str, way: Way) -> pd.DataFrame:
    """Rows of one method; where the data have no room for it, empty ones with the reason."""
    try:
        found, note = way(study)
    except DataError as error:
        found, note = pd.DataFrame(np.nan, index=list(study.focal), columns=COLUMNS), f"none: {sentence(error)}"
    rows = zip(found.index, found["estimate"], found["se"], strict=True)
    notes = [note or about_row(study, method, str(name), estimate, se) for name, estimate, se in rows]
    return found.assign(method=method, note=notes).rename_axis("term").reset_index()


def of_fit(study: Study, fit: Fit | str) -> tuple[pd.DataFrame, str]:
    """Rows and note of a REML fit; a DataError with the sentence that says why there is none."""
    if isinstance(fit, str):
        raise DataError(fit)
    tests = fit.tests().reindex(list(study.focal))
    table = tested(study, *(tests[c].to_numpy(float) for c in ("estimate", "se", "df")))
    return table, "singular fit: a variance is estimated as zero, or a correlation as 1" if fit.is_singular else ""


def of_posterior(study: Study, post: Posterior) -> tuple[pd.DataFrame, str]:
    """Rows and note of a posterior."""
    at = [study.design.coef_names.index(f) for f in study.focal]
    found = summarise(post.draws.beta[:, at], study.level, list(study.focal))
    table = found.rename(columns={"mean": "estimate", "sd": "se"}).reindex(columns=COLUMNS)
    return table, "" if post.diagnostics().ok else "the draws need a closer look: see .post.diagnostics()"
