"""How cost grows: seconds and peak memory for more rows, and for more levels.

    uv run python benchmarks/scaling.py           to 10^6 rows and 10^5 levels
    uv run python benchmarks/scaling.py --large   to 10^7 rows and 10^6 levels

Each point is a process of its own, so that peak memory is its own; numbers are those of its second call. The slope of
log seconds on log size is fitted to the upper half of each curve. Writes results/scaling.json beside this file.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

RESULTS = Path(__file__).with_name("results")
FORMULA = "y ~ x + (x | g)"
CROSSED = "y ~ x + (1 | g) + (1 | h)"


def frame(rows: int, levels: int, crossed: int) -> pd.DataFrame:
    """Rows spread over levels of g, and with `crossed` over as many levels of h."""
    rng = np.random.default_rng(1)
    g = rng.integers(0, levels, rows)
    g[:levels] = np.arange(levels)
    x = rng.normal(size=rows)
    y = 1 + 0.5 * x + rng.normal(size=levels)[g] + rng.normal(size=rows)
    if crossed:
        h = rng.integers(0, crossed, rows)
        return pd.DataFrame({"y": y + rng.normal(size=crossed)[h], "x": x, "g": g, "h": h})
    return pd.DataFrame({"y": y + 0.3 * rng.normal(size=levels)[g] * x, "x": x, "g": g})


def measure(rows: int, levels: int, crossed: int) -> dict[str, Any]:
    """In this process: seconds of the stages at the second call, and by how much memory peaked above the data."""
    import bayeslmm as blm

    warnings.simplefilter("ignore")
    formula = CROSSED if crossed else FORMULA
    blm.lmer(formula, frame(500, 20, 10 if crossed else 0))
    data = frame(rows, levels, crossed)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    fit = blm.lmer(formula, data)
    first = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    fit = blm.lmer(formula, data)
    columns = int(data.memory_usage(index=False).sum())
    return {
        "rows": rows,
        "levels": levels,
        "first": first,
        "seconds": time.perf_counter() - start,
        **fit.timings.drop("inference").to_dict(),
        "evaluations": fit.optimum.evaluations,
        "columns_mb": columns / 1e6,
        "above_mb": (peak - before) * 1024 / 1e6,
    }


def point(rows: int, levels: int, crossed: int = 0) -> dict[str, Any]:
    """The same in a process of its own."""
    command = [sys.executable, __file__, "--point", str(rows), str(levels), str(crossed)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def slope(points: list[dict[str, Any]], by: str, what: str) -> float:
    """Exponent of the growth, from the upper half."""
    upper = points[len(points) // 2 :]
    return float(np.polyfit(np.log([p[by] for p in upper]), np.log([p[what] for p in upper]), 1)[0])


def main() -> None:
    """Run all curves, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--point", nargs=3, type=int)
    options = parser.parse_args()
    if options.point:
        print(json.dumps(measure(*options.point)))
        return
    most = 7 if options.large else 6
    curves = {
        "rows": [point(10**e, 100) for e in range(3, most + 1)],
        "nested levels": [point(4 * 10**e, 10**e) for e in range(2, most)],
        "crossed levels": [point(40 * J, J, J // 2) for J in (100, 400, 1000, 2000, 4000)],
    }
    for name, points in curves.items():
        by = "rows" if name == "rows" else "levels"
        head = [
            "rows",
            "levels",
            "whole, s",
            "frame",
            "cross-products",
            "optimise",
            "evaluations",
            "data, MB",
            "peak, MB",
        ]
        print(f"\n{name}\n| " + " | ".join(head) + " |")
        print("|---" * 9 + "|")
        for p in points:
            cells = [
                f"{p['rows']:,}",
                f"{p['levels']:,}",
                *(f"{p[k]:.3g}" for k in ("seconds", "frame", "cross-products", "optimise")),
            ]
            print(
                "| "
                + " | ".join([*cells, str(p["evaluations"]), f"{p['columns_mb']:.3g}", f"{p['above_mb']:.3g}"])
                + " |"
            )
        slopes = [f"{what} {slope(points, by, what):.2f}" for what in ("seconds", "cross-products", "optimise")]
        print("slopes: " + ", ".join(slopes))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "scaling.json").write_text(json.dumps(curves, indent=1) + "\n")


if __name__ == "__main__":
    main()
