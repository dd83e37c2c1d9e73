"""How far fits are from what R gives, by quantity, over the linear mixed models of tests/reference, by REML and by ML.

    uv run python benchmarks/parity.py

Writes results/parity.json beside this file. Each difference is relative to the scale on which it matters: a standard
error for coefficients, the residual sd for effects and predictions.
"""

import json
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import bayeslmm as blm
from bayeslmm.results.fit import Fit

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from reference_cases import arguments, case_names, load_case, load_frame, numbers  # noqa: E402

# a slope of a predictor near 2,010 on a scale that R's numerical derivatives lose: see tests/reference/README.md
APART = "sleep_year_slope"
# lme4 leaves an offset that is an argument out of its predictions for new data
WITHOUT_OFFSET = ("sleep_offset",)

type Differences = Iterator[tuple[str, np.ndarray]]


def differences(name: str, fit: Fit, reference: dict[str, Any], reml: bool) -> Differences:
    """Yield quantities, and the differences of one fit from R's."""
    yield "criterion at fixed parameters", np.concatenate(list(_at_fixed_theta(fit, reference)))
    yield "criterion at the optimum, ours less lme4's best", np.array([fit.criterion - reference["criterion"]])
    se = numbers(reference["fixef"]["se"])
    yield "coefficients", (fit.fixef.to_numpy() - numbers(reference["fixef"]["values"])) / se
    yield "standard errors", fit.bse.to_numpy() / se - 1
    yield "residual sd", np.array([fit.sigma / reference["sigma"] - 1])
    yield "sds of random effects", np.concatenate(list(_sds(fit, reference)))
    yield "log likelihood", np.array([fit.loglik - reference["logLik"]])
    yield "Satterthwaite's df", _ratio(fit.tests()["df"], reference["satterthwaite"]["df"])
    if reference.get("anova") and reference["anova"]["term"]:
        yield "F of type III tables", _f_values(fit.anova().table, reference["anova"])
    if reml and reference.get("kenward_roger"):
        yield "Kenward-Roger's df", _ratio(fit.tests("kenward-roger")["df"], reference["kenward_roger"]["df"])
    yield from _effects(fit, reference)
    if reference.get("predict") and name not in WITHOUT_OFFSET:
        new, expected = pd.DataFrame(reference["predict"]["newdata"]), numbers(reference["predict"]["re_all"])
        yield "predictions", (fit.predict(new, new_levels="population") - expected) / fit.sigma


UNITS = {
    "criterion at fixed parameters": "relative",
    "criterion at the optimum, ours less lme4's best": "absolute",
    "coefficients": "of their standard errors",
    "standard errors": "relative",
    "residual sd": "relative",
    "sds of random effects": "of the residual sd",
    "log likelihood": "absolute",
    "Satterthwaite's df": "relative",
    "Kenward-Roger's df": "relative",
    "F of type III tables": "relative",
    "conditional modes": "of the residual sd",
    "their conditional sds": "of the residual sd",
    "predictions": "of the residual sd",
}


def _at_fixed_theta(fit: Fit, reference: dict[str, Any]) -> Iterator[np.ndarray]:
    for point in reference["at_theta"]:
        theta = pd.Series(point["theta"], index=reference["theta"]["names"])
        yield np.array([fit.objective(theta) / point["value"] - 1])


def _sds(fit: Fit, reference: dict[str, Any]) -> Iterator[np.ndarray]:
    table = fit.varcorr
    for block in reference["varcorr"]:
        own = table[(table["group"] == block["group"]) & table["term2"].isna()].set_index("term1")["sd"]
        yield (own.loc[block["names"]].to_numpy() - numbers(block["sd"])) / fit.sigma


def _f_values(table: pd.DataFrame, reference: dict[str, Any]) -> np.ndarray:
    return _ratio(table.loc[reference["term"], "F"], reference["F"])


def _effects(fit: Fit, reference: dict[str, Any]) -> Differences:
    table = fit.ranef().set_index(["group", "level", "term"])
    for group, expected in reference["ranef"].items():
        found = table.loc[group].unstack("term").loc[expected["levels"]]
        own, sds = found["estimate"][expected["names"]], found["se"][expected["names"]]
        yield "conditional modes", ((own - numbers(expected["values"])) / fit.sigma).to_numpy().ravel()
        yield "their conditional sds", ((sds - numbers(expected["postvar_sd"])) / fit.sigma).to_numpy().ravel()


def _ratio(ours: Any, theirs: Any) -> np.ndarray:
    """Relative differences where both give a number."""
    ratio = numbers(ours) / numbers(theirs) - 1
    return ratio[np.isfinite(ratio)]


def measure(names: list[str]) -> pd.DataFrame:
    """Rows of (quantity, case, method, difference) for these cases."""
    rows = []
    for name in names:
        case = load_case(name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = blm.Model(case["formula"], load_frame(case), **arguments(case))
            for reml in (True, False):
                method = "REML" if reml else "ML"
                for quantity, values in differences(name, model.fit(reml), case[method], reml):
                    rows += [(quantity, name, method, float(value)) for value in values]
    return pd.DataFrame(rows, columns=["quantity", "case", "method", "difference"])


def summary(found: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """By quantity: how many numbers, median and largest size of the differences, where that is; one case apart."""
    out = {}
    for quantity, rows in found.groupby("quantity", sort=False):
        usual, apart = rows[rows["case"] != APART], rows[rows["case"] == APART]
        worst = usual.loc[usual["difference"].abs().idxmax()]
        out[str(quantity)] = {
            "in": UNITS[str(quantity)],
            "numbers": len(usual),
            "median": float(usual["difference"].abs().median()),
            "largest": float(abs(worst["difference"])),
            "where": f"{worst['case']}, {worst['method']}",
            "most": float(usual["difference"].max()),
            "apart": float(apart["difference"].abs().max()),
        }
    return out


def main() -> None:
    """Run, print, write."""
    names = case_names()
    rows = summary(measure(names))
    print(f"| quantity | in | numbers | median | largest | where | {APART} |\n" + "|---" * 7 + "|")
    for quantity, row in rows.items():
        sizes = f"{row['median']:.1e} | {row['largest']:.1e} | {row['where']} | {row['apart']:.1e}"
        print(f"| {quantity} | {row['in']} | {row['numbers']:,} | {sizes} |")
    path = ROOT / "benchmarks" / "results" / "parity.json"
    path.write_text(json.dumps({"cases": len(names), "apart": APART, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
