"""Simulation-based calibration of six models under their default priors, by `blm.calibrate`.

    uv run python benchmarks/sbc.py [--n 500] [--only NAME ...]   what is left out stays
    uv run python benchmarks/sbc.py --show                        table and figure of what was run

Writes results/sbc.json and results/sbc.png beside this file.
"""

import argparse
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import bayeslmm as blm
from bayeslmm.compare.calibration import band, below

RESULTS = Path(__file__).with_name("results")
SEED = 20


@dataclass(frozen=True, slots=True)
class Case:
    """One model.

    Attributes
    ----------
    what
        Why it is here.
    formula, data, options
        As `blm.Model` takes them.
    """

    what: str
    formula: str
    data: pd.DataFrame
    options: dict[str, Any] = field(default_factory=dict)


def weighted() -> pd.DataFrame:
    """12 groups of 3 to 9 rows, weights from 0.2 to 5, and an offset."""
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(12), rng.integers(3, 10, 12))
    x, w, o = rng.normal(size=g.size), np.exp(rng.uniform(np.log(0.2), np.log(5), g.size)), rng.normal(size=g.size)
    y = 1 + x + o + rng.normal(size=12)[g] + rng.normal(size=g.size) / np.sqrt(w)
    return pd.DataFrame({"y": y, "x": x, "w": w, "o": o, "g": pd.Categorical(g)})


def deficient() -> pd.DataFrame:
    """8 groups of 5 rows; a factor's columns add up to a predictor, which is dropped."""
    rng = np.random.default_rng(2)
    g, f = np.repeat(np.arange(8), 5), np.tile(["a", "b", "c", "a", "b"], 8)
    x = rng.normal(size=g.size)
    y = 2 + x + (f == "b") + rng.normal(size=8)[g] * (1 + 0.5 * x) + rng.normal(size=g.size)
    return pd.DataFrame(
        {"y": y, "x": x, "f": pd.Categorical(f), "not_a": (f != "a").astype(float), "g": pd.Categorical(g)}
    )


CASES = {
    "salary": Case(
        "5 groups, a slope",
        "salary ~ 1 + grade + (1 + grade | major)",
        blm.datasets.load("salary"),
    ),
    "Penicillin": Case("crossed", "diameter ~ 1 + (1 | plate) + (1 | sample)", blm.datasets.load("penicillin")),
    "Pastes": Case("nested", "strength ~ 1 + (1 | batch/cask)", blm.datasets.load("pastes")),
    "sleepstudy": Case("`||`", "Reaction ~ Days + (Days || Subject)", blm.datasets.load("sleepstudy")),
    "weighted": Case("weights and an offset", "y ~ x + (1 + x | g)", weighted(), {"weights": "w", "offset": "o"}),
    "deficient": Case("a column too many", "y ~ x + f + not_a + (x | g)", deficient()),
}


def run(case: Case, n: int) -> dict[str, Any]:
    """Calibrate; the table, and the counts of ranks below 1 .. L, from which the curves are drawn."""
    model = blm.Model(case.formula, case.data, **case.options)
    start = time.perf_counter()
    found = blm.calibrate(model, n=n, seed=SEED)
    return {
        "n": n,
        "ranked": found.ranked,
        "seconds": time.perf_counter() - start,
        "divergences": found.divergences,
        "table": found.table.to_dict(orient="index"),
        "below": {name: below(found.ranks[name].to_numpy(), found.ranked).tolist() for name in found.ranks},
    }


def show(rows: dict[str, dict[str, Any]]) -> None:
    """Print the table, draw the figure."""
    print("| model | | parameters | largest bias | spread | least p | of | adjusted | data sets with divergences |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name in (name for name in CASES if name in rows):
        r = pd.DataFrame(rows[name]["table"]).T
        worst = r["p"].astype(float).idxmin()
        cells = [name, CASES[name].what, str(len(r)), f"{max(r['bias'], key=abs):+.3f}"]
        cells += [f"{r['spread'].min():.2f} to {r['spread'].max():.2f}", f"{r.loc[worst, 'p']:.2g}", worst]
        cells += [f"{r.loc[worst, 'p_adjusted']:.2g}", f"{rows[name]['divergences']} of {rows[name]['n']}"]
        print("| " + " | ".join(cells) + " |")
    figure(rows, RESULTS / "sbc.png")


def figure(rows: dict[str, dict[str, Any]], path: Path) -> None:
    """ECDF of the ranks less the uniform one, a panel a model, with a simultaneous band for each curve."""
    import matplotlib.pyplot as plt

    shown = [name for name in CASES if name in rows]
    _, axes = plt.subplots(-(-len(shown) // 3), 3, figsize=(7, 4.2), layout="constrained", sharex=True, sharey=True)
    for name, ax in zip(shown, axes.ravel(), strict=False):
        n, L = rows[name]["n"], rows[name]["ranked"]
        z = np.arange(1, L + 1) / (L + 1)
        low, high = band(n, L, 0.95)
        ax.fill_between(z, low - z, high - z, step="mid", color="#999999", alpha=0.25, lw=0)
        ax.axhline(0, color="#444444", lw=0.8)
        for parameter, counts in rows[name]["below"].items():
            share = np.array(counts) / n
            out = np.maximum(share - high, low - share)
            ax.plot(z, share - z, color="#D55E00" if (out > 0).any() else "#0072B2", lw=1, alpha=0.8)
            if (out > 0).any():
                at = int(out.argmax())
                side, left = np.sign(share[at] - z[at]), z[at] < 0.3
                ax.annotate(
                    parameter.replace(" (Intercept)", ""),
                    (z[at], share[at] - z[at]),
                    xytext=(0, 4 * side),
                    textcoords="offset points",
                    fontsize=7,
                    ha="left" if left else "right" if z[at] > 0.7 else "center",
                    va="bottom" if side > 0 else "top",
                    color="#D55E00",
                )
        ax.set_title(f"{name}: {CASES[name].what}", loc="left", fontsize=7.5)
        ax.tick_params(labelsize=7)
        for side in ("top", "right"):
            ax.spines[side].set_visible(False)
    low, high = axes[0, 0].get_ylim()
    axes[0, 0].set_ylim(low - 0.01, high)
    for ax in axes[:, 0]:
        ax.set_ylabel("observed less uniform", fontsize=8)
    for ax in axes[-1]:
        ax.set_xlabel("rank / (L + 1)", fontsize=8)
    plt.savefig(path, dpi=150)


def main() -> None:
    """Run, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=500)
    parser.add_argument("--only", nargs="*", default=list(CASES))
    parser.add_argument("--show", action="store_true")
    options = parser.parse_args()
    path = RESULTS / "sbc.json"
    rows: dict[str, dict[str, Any]] = json.loads(path.read_text()) if path.exists() else {}
    if options.show:
        show(rows)
        return
    RESULTS.mkdir(exist_ok=True)
    for name in options.only:
        rows[name] = run(CASES[name], options.n)
        told = pd.DataFrame(rows[name]["table"]).T[["bias", "spread", "p", "p_adjusted"]]
        print(
            f"{name}: {rows[name]['seconds']:.0f} s, {rows[name]['divergences']} with divergences\n{told}\n", flush=True
        )
        path.write_text(json.dumps(rows) + "\n")


if __name__ == "__main__":
    main()
