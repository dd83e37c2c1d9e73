"""`bayeslmm means`, `contrasts`, `slopes`, `predict`: of a fit, or of the posterior of the same model."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from bayeslmm.cli.given import pairs, values
from bayeslmm.cli.read import read_data
from bayeslmm.cli.show import Shown
from bayeslmm.cli.task import Task
from bayeslmm.results.linear_fit import LinearFit

MOST_ROWS = 40


def means(task: Task, specs: Sequence[str], **options: Any) -> Shown:
    """Marginal means of predictors' combinations; the overall mean where none is named."""
    return _shown(task, "means", list(specs) or None, **options)


def contrasts(task: Task, specs: Sequence[str], method: str, ref: str | None, **options: Any) -> Shown:
    """Comparisons of marginal means."""
    return _shown(task, "contrasts", list(specs), method=method, ref=ref, **options)


def slopes(task: Task, variable: str, **options: Any) -> Shown:
    """Slopes of the mean in a numeric predictor."""
    return _shown(task, "slopes", variable, **options)


def _shown(
    task: Task,
    verb: str,
    what: Any,
    by: Sequence[str] | None,
    at: Sequence[str] | None,
    cells: str,
    level: float,
    adjust: str | None,
    **how: Any,
) -> Shown:
    held = {name: values(text) for name, text in pairs("--at", at or [], "Days=0,9").items()} or None
    grid = {"by": list(by) if by else None, "at": held, "weights": cells, "level": level, **how}
    fit = task.any_fit()
    post = None if isinstance(fit, LinearFit) else task.posterior(fit)
    if post is not None:
        found = getattr(post, verb)(what, **grid)
        return task.shown(str(found), found.table, None, fit, of="posterior", level=level)
    adjusted = {} if adjust is None else {"adjust": adjust}
    ddf = {} if isinstance(fit, LinearFit) else {"ddf": task.ddf}
    found = getattr(fit, verb)(what, **grid, **adjusted, **ddf)
    return task.shown(str(found), found.table, None, fit, of="fit", level=level, **ddf)


def predict(
    task: Task,
    new: str | None,
    re: Sequence[str] | None,
    new_levels: Any,
    interval: Any,
    level: float,
    seed: int | None,
) -> Shown:
    """Rows with their predictions: those that were fitted, or those of another file."""
    rows = None if new is None else read_data(new)[0]
    groups: Any = list(re or ["all"])
    asked = {"re": groups[0] if groups in (["all"], ["none"]) else groups, "interval": interval, "level": level}
    fit = task.fit()
    post = task.posterior(fit)
    if post is None:
        found: Any = fit.predict(rows, new_levels=new_levels, ddf=task.ddf, **asked)
    else:
        found = post.predict(rows, new_levels=new_levels, seed=seed, **asked)
    numbers = pd.DataFrame({"estimate": found} if isinstance(found, pd.Series) else found)
    beside = read_data(task.request.data)[0].iloc[fit.design.rows] if rows is None else rows
    table = _beside(beside, numbers)
    of = "fit" if post is None else "posterior"
    return task.shown(_head(table), table, None, fit, of=of, interval=interval, level=level)


def _beside(rows: pd.DataFrame, numbers: pd.DataFrame) -> pd.DataFrame:
    """The data and the predictions; a column of the data that is called as one of these gets a dot."""
    taken = {name: f"{name}." for name in rows.columns if name in numbers.columns}
    parts = [rows.rename(columns=taken).reset_index(drop=True), numbers.reset_index(drop=True)]
    return pd.concat(parts, axis=1)


def _head(table: pd.DataFrame) -> str:
    text = table.head(MOST_ROWS).to_string(index=False, float_format="{:.6g}".format, na_rep="NA")
    more = len(table) - MOST_ROWS
    return text if more <= 0 else f"{text}\n... and {more} more rows; --out predictions.csv writes all"
