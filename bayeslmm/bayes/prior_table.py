"""The priors of a model as a table, in units that can be read."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bayeslmm.bayes.defaults import Slot


def prior_table(slots: Sequence[Slot]) -> pd.DataFrame:
    """One row for each parameter.

    Columns
    -------
    parameter, prior
        What it is, and its prior.
    sd, unit
        Standard deviation of the prior, and its unit: that of the response, or the response's per unit of a predictor.
        inf or NaN where the prior has none; NaN for correlations.
    sd_response
        `sd` times the spread of the column that the parameter multiplies: how much the prior lets the expected response
        move when that predictor moves by one of its sds; for sds of effects, how much it lets them vary. This is always
        in units of the response, so that the rows can be compared with each other and with the sd of the response.
    why
        Where the prior comes from.
    """
    rows = [
        (s.keys[0], str(s.prior), sd := np.nan if s.kind == "cor" else s.prior.sd, s.unit, sd * s.size, s.why)
        for s in slots
    ]
    return pd.DataFrame(rows, columns=["parameter", "prior", "sd", "unit", "sd_response", "why"])


def prior_text(table: pd.DataFrame) -> str:
    """The table as text."""
    rows = [("Parameter", "Prior", "SD", "Unit", "SD in response", "Why")]
    for parameter, prior, sd, unit, response, why in table.itertuples(index=False, name=None):
        rows.append((parameter, prior, _sd(sd, unit), unit, _sd(response, unit), why))
    widths = [max(len(row[i]) for row in rows) for i in range(6)]
    return "\n".join(" ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def _sd(value: float, unit: str) -> str:
    if not unit:
        return ""
    return "infinite" if np.isinf(value) else "none" if np.isnan(value) else f"{value:.4g}"
