"""lme4 as a process that fits on request, so that both sides can take turns."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pandas as pd


class Lme4:
    """R with lme4, started once; `fit` times one `lmer()`."""

    def __init__(self, folder: Path):
        self.folder = folder
        script = Path(__file__).with_name("lme4.R")
        self._process = subprocess.Popen(
            ["Rscript", str(script), str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.versions = self._read()

    @staticmethod
    def present() -> bool:
        """Whether R with lme4 is installed."""
        if shutil.which("Rscript") is None:
            return False
        check = ["Rscript", "-e", 'quit(status = !requireNamespace("lme4", quietly = TRUE))']
        return subprocess.run(check, capture_output=True, check=False).returncode == 0

    def data(self, name: str) -> None:
        """Write one of lme4's data sets into the folder."""
        self._ask("data", name)

    def give(self, name: str, frame: pd.DataFrame) -> None:
        """Write a frame where R reads it."""
        frame.to_csv(self.folder / f"{name}.csv", index=False)
        factors = [str(c) for c in frame.columns if not pd.api.types.is_numeric_dtype(frame[c])]
        (self.folder / f"{name}.types").write_text("\n".join(factors) + "\n")

    def fit(self, name: str, formula: str) -> dict[str, Any]:
        """Fit once: seconds, criterion, evaluations."""
        return self._ask("fit", name, formula)

    def _ask(self, *words: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write("\t".join(words) + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("R has stopped")
        return json.loads(line)
