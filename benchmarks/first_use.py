"""What a new process waits: with caches that are empty, and later.

    uv run python benchmarks/first_use.py

Whole processes, beside `python -c "import pandas, formulae"` where formulae is installed (else `import pandas`), taking
turns; medians. Compiled code of NumPy and the like is on disk in all of them; "empty" is without our own.
"""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

RESULTS = Path(__file__).with_name("results")
PEER = "import pandas, formulae" if importlib.util.find_spec("formulae") else "import pandas"
FIT = "import bayeslmm as blm; blm.lmer('Reaction ~ Days + (Days | Subject)', blm.datasets.load('sleepstudy'))"
LOOP = FIT.replace("; blm.lmer", "\nfor _ in range(201): blm.lmer")


def seconds(code: str, cache: str) -> float:
    """Wall-clock seconds of a whole process."""
    environment = os.environ | {"NUMBA_CACHE_DIR": cache}
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    return time.perf_counter() - start


def main() -> None:
    """Take turns, print, write."""
    times: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as warm:
        subprocess.run(
            [sys.executable, "-c", FIT],
            check=True,
            env=os.environ | {"NUMBA_CACHE_DIR": warm, "BAYESLMM_ENGINE": "compiled"},
        )
        for _ in range(7):
            with tempfile.TemporaryDirectory() as empty:
                for name, code, cache in (
                    (PEER, PEER, empty),
                    ("import bayeslmm", "import bayeslmm", empty),
                    ("first lmer, empty caches", FIT, empty),
                    ("lmer in a later process", FIT, warm),
                    ("201 lmer in a later process", LOOP, warm),
                    ("an empty process", "", empty),
                ):
                    times.setdefault(name, []).append(seconds(code, cache))
        with tempfile.TemporaryDirectory() as empty:
            compiled = os.environ | {"NUMBA_CACHE_DIR": empty, "BAYESLMM_ENGINE": "compiled"}
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", FIT], check=True, env=compiled)
            times["first lmer, compiling all loops"] = [time.perf_counter() - start]
    medians = {name: float(np.median(t)) for name, t in times.items()}
    print("| process | seconds | ratio |\n|---|---|---|")
    for name, value in medians.items():
        print(f"| {name} | {value:.3f} | {value / medians[PEER]:.2f} |")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "first_use.json").write_text(json.dumps(medians, indent=1) + "\n")


if __name__ == "__main__":
    main()
