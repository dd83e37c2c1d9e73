"""bambi as a process in an environment of its own, where it brings the versions that it wants.

Run as a script, inside that environment, it builds one model, samples it some times, and prints a line of JSON.
"""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

PACKAGES = ("bambi", "nutpie", "pymc", "arviz")


class Bambi:
    """bambi by the Python that has it."""

    def __init__(self, python: str):
        self.python = python

    @classmethod
    def installed_in(cls, folder: Path) -> "Bambi | None":
        """Make an environment with the latest bambi in this folder; None where that cannot be done."""
        uv, python = shutil.which("uv"), folder / "bin" / "python"
        if uv is None:
            return None
        make = [uv, "venv", "--quiet", "--python", sys.executable, str(folder)]
        fill = [uv, "pip", "install", "--quiet", "--python", str(python), "bambi", "nutpie"]
        for command in (make, fill):
            if subprocess.run(command, check=False).returncode:
                return None
        return cls(str(python))

    def command(self, formula: str, data: Path, later: int, seed: int) -> list[str]:
        """What samples a model of a frame on disk (pickled columns would need the same pandas: CSV does not)."""
        return [self.python, __file__, json.dumps([formula, str(data), later, seed])]


def main(formula: str, path: str, later: int, seed: int) -> dict[str, Any]:
    """Sample once and some times more; what it takes and gives."""
    from importlib.metadata import version

    import arviz
    import bambi
    import numpy as np
    import pandas as pd

    names = Path(path).with_suffix(".types").read_text().split()
    frame = pd.read_csv(path, dtype=dict.fromkeys(names, "category"))
    model = bambi.Model(formula, frame)
    seconds, ess, divergences, idata = [], [], [], None
    for turn in range(1 + later):
        start = time.perf_counter()
        idata = model.fit(draws=1000, chains=4, cores=2, inference_method="nutpie", random_seed=seed + turn)
        seconds.append(time.perf_counter() - start)
        chosen = [v for v in idata["posterior"].data_vars if "|" not in v or v.endswith("_sigma")]
        found = arviz.ess(idata["posterior"].to_dataset()[chosen], method="bulk")
        ess.append(min(float(np.min(found[v].values)) for v in chosen))
        divergences.append(int(idata["sample_stats"]["diverging"].sum()))
        if turn == 0:
            ready = time.time()
    versions = {package: version(package) for package in PACKAGES}
    return {"ready": ready, "later": seconds[1:], "ess": ess, "divergences": divergences, "versions": versions}


if __name__ == "__main__":
    print(json.dumps(main(*json.loads(sys.argv[1]))))
