"""Means, comparisons and slopes of a posterior: c + L beta over its draws."""

import numpy as np
import pandas as pd

from bayeslmm.results.means import Means, Request
from bayeslmm.results.posterior_tables import interval, sd_of


def of_draws(request: Request, beta: np.ndarray, level: float) -> Means:
    """Summarise each function over posterior draws of beta (S, p).

    Returns
    -------
    Means
        `table` has the labels and estimate (mean), se (sd), lower, upper (equal-tailed) and p_positive, the posterior
        probability that the value is positive.
    """
    functions = request.comparisons.functions
    draws = functions.values(beta)
    lower, upper = interval(draws, level)
    values = {
        "estimate": draws.mean(axis=0),
        "se": sd_of(draws),
        "lower": lower,
        "upper": upper,
        "p_positive": np.where(np.isnan(draws).any(axis=0), np.nan, (draws > 0).mean(axis=0)),
    }
    table = pd.DataFrame({**functions.labels, **values}).infer_objects()
    notes = (*request.notes, f"posterior means and sds; {level:.4g} equal-tailed intervals")
    return Means(table, functions, notes)
