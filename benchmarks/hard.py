"""Problems that are hard for an optimiser: where the certificate holds, and in how many evaluations.

    uv run python benchmarks/hard.py

Writes results/hard.json beside this file. Where the same model can be written in an easy way, the difference of the two
criteria, after what a change of units adds, is shown as well.
"""

import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import bayeslmm as blm

RESULTS = Path(__file__).with_name("results")


@dataclass(frozen=True, slots=True)
class Case:
    """A formula, data, and where there is one the criterion of the same model in an easy form."""

    formula: str
    data: pd.DataFrame
    easy: Callable[[], float] | None = None


def sleep(**columns: Any) -> pd.DataFrame:
    """The sleepstudy data with other columns."""
    return blm.datasets.load("sleepstudy").assign(**columns)


def criterion(formula: str, data: pd.DataFrame) -> float:
    """REML criterion."""
    return blm.lmer(formula, data).criterion


def grouped(J: int, n: int, k: int, seed: int, root: np.ndarray, noise: float = 1.0) -> pd.DataFrame:
    """J groups of n rows with k effects b = root z."""
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(J), n)
    X = np.column_stack([np.ones(g.size), rng.normal(size=(g.size, k - 1))])
    y = (X * (rng.normal(size=(J, k)) @ root.T)[g]).sum(axis=1) + noise * rng.normal(size=g.size)
    return pd.DataFrame({"y": y, "g": pd.Categorical(g), **{f"x{i}": X[:, i] for i in range(1, k)}})


def cases() -> dict[str, Case]:
    """All cases by what is hard about them."""
    days = blm.datasets.load("sleepstudy")["Days"].to_numpy()
    base = "Reaction ~ Days + (Days | Subject)"
    plain = sleep()
    rng = np.random.default_rng(5)
    n = 400
    near = rng.normal(size=n)
    twins = pd.DataFrame(
        {"a": near, "b": near + 1e-4 * np.sqrt(2) * rng.normal(size=n), "g": np.repeat(np.arange(20), 20)}
    )
    twins["y"] = near + rng.normal(size=20)[twins["g"]] * (1 + near) + rng.normal(size=n)
    scales = grouped(40, 10, 3, 6, np.diag([1.0, 1e3, 1e-3]))
    unbalanced = rng.choice(12, 600, p=[0.9, *[0.1 / 11] * 11])
    one_big = pd.DataFrame({"g": unbalanced, "x": rng.normal(size=600)})
    one_big["y"] = (
        rng.normal(size=12)[one_big["g"]] + rng.normal(size=12)[one_big["g"]] * one_big["x"] + rng.normal(size=600)
    )
    ones = pd.DataFrame({"g": np.r_[np.arange(60), np.arange(25)]})
    ones["y"] = rng.normal(size=60)[ones["g"]] + rng.normal(size=85)
    wide = 12
    root = np.linalg.cholesky(0.5 * np.eye(wide) + 0.5)
    none = pd.DataFrame({"g": np.repeat(np.arange(8), 6), "x": np.tile(np.arange(6.0), 8), "y": rng.normal(size=48)})
    none["y"] -= none.groupby("g")["y"].transform("mean")
    cells = pd.DataFrame({"g": np.repeat(np.arange(10), 4), "t": np.tile([0, 0, 1, 1], 10)})
    cells["y"] = rng.normal(size=40)
    centred = "Reaction ~ I(Days - 4.5) + (I(Days - 4.5) | Subject)"
    return {
        "predictor near 2,000": Case(
            "Reaction ~ year + (year | Subject)", sleep(year=days + 2000.0), lambda: criterion(base, plain)
        ),
        "predictor near 1.6e9": Case(
            "Reaction ~ s + (s | Subject)",
            sleep(s=1.6e9 + 86_400.0 * days),
            lambda: criterion(base, plain) + 2 * np.log(86_400.0),
        ),
        "y + 1e7": Case(base, sleep(Reaction=plain["Reaction"] + 1e7), lambda: criterion(base, plain)),
        "y * 1e-9": Case(
            base, sleep(Reaction=plain["Reaction"] * 1e-9), lambda: criterion(base, plain) + 178 * 2 * np.log(1e-9)
        ),
        "fixed columns with correlation 1 - 1e-8": Case("y ~ a + b + (a | g)", twins),
        "random columns with correlation 1 - 1e-8": Case("y ~ a + (a + b | g)", twins),
        "sds that differ by 1e6": Case("y ~ x1 + x2 + (x1 + x2 | g)", scales),
        "one group with 90 % of the rows": Case("y ~ x + (x | g)", one_big),
        "groups of one": Case("y ~ 1 + (1 | g)", ones),
        "12 x 12 covariance, 20 groups": Case(
            "y ~ 1 + (" + " + ".join(f"x{i}" for i in range(1, wide)) + " | g)", grouped(20, 30, wide, 7, root)
        ),
        "all variances zero": Case("y ~ x + (x | g)", none),
        "saturated group means": Case("y ~ factor(g) + t + (0 + t | g)", cells),
        "singular, textbook": Case("salary ~ grade + (grade | major)", blm.datasets.load("salary")),
        "slope centred": Case(centred, plain, lambda: criterion(base, plain)),
        "factor slope, correlation at 1": Case("score ~ Machine + (Machine | Worker)", blm.datasets.load("machines")),
    }


def main() -> None:
    """Fit every case, print the table, write it."""
    warnings.simplefilter("ignore")
    head = ["case", "m", "evaluations", "holds", "gradient", "could fall by", "smallest eigenvalue", "least multiplier"]
    print("| " + " | ".join([*head, "- easy form"]) + " |\n" + "|---" * 9 + "|")
    rows = {}
    for name, case in cases().items():
        fit = blm.lmer(case.formula, case.data)
        c = fit.certificate
        gap = None if case.easy is None else fit.criterion - case.easy()
        rows[name] = {
            "m": len(fit.theta),
            "evaluations": fit.optimum.evaluations,
            "holds": fit.converged,
            "gradient": c.gradient_norm,
            "decrement": c.newton_decrement,
            "eigenvalue": c.smallest_eigenvalue,
            "multiplier": min(c.multipliers, default=None),
            "gap": gap,
            "problems": list(c.problems),
        }
        cells = [name, len(fit.theta), fit.optimum.evaluations, "yes" if fit.converged else "NO"]
        cells += [f"{c.gradient_norm:.0e}", f"{c.newton_decrement:.0e}", f"{c.smallest_eigenvalue:.2g}"]
        cells += [f"{min(c.multipliers):.2g}" if c.multipliers else "", "" if gap is None else f"{gap:+.0e}"]
        print("| " + " | ".join(map(str, cells)) + " |")
        for problem in c.problems:
            print(f"    {problem}")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "hard.json").write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
