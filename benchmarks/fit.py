"""Fits beside lme4: whole calls, taking turns, medians and ratios.

    uv run python benchmarks/fit.py            the small problems, two minutes
    uv run python benchmarks/fit.py --large    and those that take lme4 minutes each
    uv run python benchmarks/fit.py --only NAME

Writes results/fit.json and results/fit.png beside this file. Without R it times bayeslmm alone and says so.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import warnings
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from lme4 import Lme4
from problems import LARGE, SMALL, Problem

import bayeslmm as blm

RESULTS = Path(__file__).with_name("results")


PAUSE = 0.1  # seconds before a turn, in which the other side's idle threads stop spinning


def timed(call: Any) -> tuple[float, Any]:
    """Seconds and value of one call."""
    start = time.perf_counter()
    value = call()
    return time.perf_counter() - start, value


def turn(call: Any, calls: int) -> list[float]:
    """Seconds of each of some calls in a row."""
    time.sleep(PAUSE)
    return [timed(call)[0] for _ in range(calls)]


def run(name: str, problem: Problem, folder: Path, peer: Lme4 | None) -> dict[str, Any]:
    """Take turns: lme4, bayeslmm's whole call, its fit of a model built before, its refit of a new response.

    In a turn each makes some calls in a row. `lmer_cold` is the first, after a pause and another program's work.
    """
    frame = problem.frame(folder)
    if peer is not None:
        peer.give(name, frame)
    first, fit = timed(lambda: blm.lmer(problem.formula, frame))
    for _ in range(problem.calls):
        blm.lmer(problem.formula, frame)
    model = blm.Model(problem.formula, frame)
    model.fit()
    y = fit.simulate(1, seed=1)["sim_1"].to_numpy()
    ours, built, refits, theirs, criteria = [], [], [], [], []
    calls = problem.calls
    for _ in range(problem.repetitions):
        if peer is not None:
            time.sleep(PAUSE)
            answers = [peer.fit(name, problem.formula) for _ in range(calls)]
            theirs.append([a["seconds"] for a in answers])
            criteria += [a["criterion"] for a in answers]
        ours.append(turn(partial(blm.lmer, problem.formula, frame), calls))
        built.append(turn(model.fit, calls))
        refits.append(turn(partial(fit.refit, y), calls))
    row = {
        "what": problem.what,
        "first": first,
        "lmer": float(np.median(ours)),
        "lmer_cold": float(np.median([seconds[0] for seconds in ours])),
        "fit": float(np.median(built)),
        "refit": float(np.median(refits)),
        "evaluations": fit.optimum.evaluations,
        "criterion": fit.criterion,
        "converged": fit.converged,
    }
    if peer is not None:
        row |= {"lme4": float(np.median(theirs)), "lme4_criterion": float(np.median(criteria))}
    return row


def line(name: str, row: dict[str, Any]) -> str:
    """One row of the Markdown table."""
    cells = [name, row["what"], milliseconds(row.get("lme4")), milliseconds(row["lmer"])]
    if "lme4" in row:
        ratios = [f"{row['lme4'] / row[k]:.3g}x" for k in ("lmer", "fit", "refit")]
        gap = f"{row['criterion'] - row['lme4_criterion']:+.1e}"
    else:
        ratios, gap = ["", "", ""], ""
    return "| " + " | ".join([*cells, *ratios, str(row["evaluations"]), gap]) + " |"


def milliseconds(seconds: float | None) -> str:
    """Three digits, in ms."""
    return "" if seconds is None else f"{1e3 * seconds:.3g}" if seconds < 1 else f"{1e3 * seconds:,.0f}"


HEAD = """| problem | | lme4, ms | lmer(), ms | ratio | Model.fit() | refit(y) | evaluations | criterion - lme4's |
|---|---|---|---|---|---|---|---|---|"""


def figure(rows: dict[str, dict[str, Any]], path: Path) -> None:
    """Seconds of both, on a log scale."""
    import matplotlib.pyplot as plt

    shown = {k: r for k, r in rows.items() if "lme4" in r}
    if not shown:
        return
    _, ax = plt.subplots(figsize=(7, 0.55 * len(shown) + 1.2), layout="constrained")
    y = np.arange(len(shown))[::-1]
    for key, colour, label in (("lme4", "#999999", "lme4"), ("lmer", "#0072B2", "bayeslmm")):
        values = [r[key] for r in shown.values()]
        ax.plot(values, y, "o", ms=8, color=colour, label=label)
    for at, row in zip(y, shown.values(), strict=True):
        ax.plot([row["lmer"], row["lme4"]], [at, at], color="#cccccc", zorder=0)
        ax.annotate(
            f"{row['lme4'] / row['lmer']:.0f}x",
            (row["lmer"], at),
            xytext=(-8, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=9,
            color="#0072B2",
        )
    ax.set_xscale("log")
    ax.set_xlim(left=min(r["lmer"] for r in shown.values()) / 4)
    ax.set_yticks(y, list(shown))
    ax.set_xlabel("seconds for the whole call, log scale")
    ax.set_title("One REML fit: how many times faster than lmer()", loc="left", fontsize=10)
    ax.legend(frameon=False, loc="upper right", fontsize=9)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    plt.savefig(path, dpi=150)


def _compile() -> None:
    """Leave the compiled loops on disk, as on a machine that has fitted before."""
    code = "import bayeslmm as blm; blm.lmer('Reaction ~ Days + (Days | Subject)', blm.datasets.load('sleepstudy'))"
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ | {"BAYESLMM_ENGINE": "compiled"})


def main() -> None:
    """Run, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--only", nargs="*")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    _compile()
    problems = SMALL | (LARGE if options.large or options.only else {})
    if options.only:
        problems = {k: problems[k] for k in options.only}
    rows: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        peer = Lme4(folder) if Lme4.present() else None
        versions = {"bayeslmm": version("bayeslmm"), "python": platform.python_version(), "numpy": version("numpy")}
        versions |= peer.versions if peer else {}
        print(" ".join(f"{k} {v}" for k, v in versions.items()), f"threads {blm.threads()}", flush=True)
        if peer is None:
            print("R with lme4 is absent: bayeslmm alone, without InstEval, which comes with lme4")
            problems.pop("InstEval", None)
        elif "InstEval" in problems:
            peer.data("InstEval")
        print(HEAD)
        for name, problem in problems.items():
            rows[name] = run(name, problem, folder, peer)
            print(line(name, rows[name]), flush=True)
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / "fit.json"
    before = json.loads(path.read_text())["rows"] if options.only and path.exists() else {}
    path.write_text(json.dumps({"versions": versions, "rows": before | rows}, indent=1) + "\n")
    figure(before | rows, RESULTS / "fit.png")


if __name__ == "__main__":
    main()
