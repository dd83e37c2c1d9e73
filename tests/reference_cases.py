"""Read the reference cases: data as R had them, arguments as bayeslmm takes them, and R's values."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

HOME = Path(__file__).parent / "reference"


def case_names(kind: str = "lmm") -> list[str]:
    """Names of all cases of a kind: lmm, lm, glmm, ols_cluster, rm_anova."""
    return [p.stem for p in sorted((HOME / "cases").glob("*.json")) if load_case(p.stem)["kind"] == kind]


@cache
def load_case(name: str) -> dict[str, Any]:
    """The case as it was written."""
    return json.loads((HOME / "cases" / f"{name}.json").read_text())


def load_frame(case: dict[str, Any]) -> pd.DataFrame:
    """The data of a case, with factors as categoricals whose levels are in R's order."""
    columns = case["data"]["columns"]
    text = {name: str for name, c in columns.items() if c["type"] in ("factor", "character")}
    frame = pd.read_csv(HOME / case["data"]["file"], keep_default_na=False, na_values=["NA"], dtype=text)
    for name, column in columns.items():
        if column["type"] == "factor":
            frame[name] = pd.Categorical(frame[name], categories=column["levels"], ordered=column["ordered"])
        elif column["type"] == "logical":
            frame[name] = frame[name].astype(str).str.upper() == "TRUE"
    return frame


def machines_imputed() -> list[pd.DataFrame]:
    """The Machines data with missing values, as mice imputed them, one frame for each imputation."""
    long = pd.read_csv(HOME / "imputed" / "machines.csv", dtype={"Worker": str})
    return [own.reset_index(drop=True) for _, own in long.groupby("imputation")]


def arguments(case: dict[str, Any]) -> dict[str, Any]:
    """weights, offset and contrasts of a case."""
    contrasts = case.get("contrasts_arg") or {}
    return {
        "weights": case["weights"],
        "offset": case["offset"],
        "contrasts": {name: coding.removeprefix("contr.") for name, coding in contrasts.items()} or None,
    }


def numbers(values: Any) -> np.ndarray:
    """An array of floats, NaN where R gave nothing."""
    return np.array(values, dtype=float)
