"""Posteriors beside bambi and brms: effective draws, seconds of the first call of a process and of later ones.

    uv run python benchmarks/posterior.py [--only NAME ...] [--engine ENGINE ...]   the table; what is left out stays
    uv run python benchmarks/posterior.py --part empty      first calls with empty caches, of each engine
    uv run python benchmarks/posterior.py --part breakdown  where a first call's time goes
    uv run python benchmarks/posterior.py --part seeds      divergences on `salary` with 20 seeds
    uv run python benchmarks/posterior.py --part show       table and figure of what was measured

4 x 1000 draws each. A first call is a whole process, from its start until the posterior is there; `import nutpie` is
the same with nothing else in it. The least bulk ESS is that of fixed effects, sds, correlations and sigma. bambi is put
into an environment of its own by uv (`--bambi PYTHON`: by the Python that has it already); brms is used where R has it.
Seconds are those of the process, of some for each engine and of those before, that other programs disturbed least.
Writes results/posterior.json and results/posterior.png beside this file.
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
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from bambi_peer import Bambi
from lme4 import Lme4
from problems import SMALL

import bayeslmm as blm

RESULTS = Path(__file__).with_name("results")
SALARY = "salary ~ 1 + grade + (1 + grade | major)"


@dataclass(frozen=True, slots=True)
class Case:
    """One posterior.

    Attributes
    ----------
    formula, what
        As R and bayeslmm take it; size and shape for the table.
    frame
        Makes the data.
    engines
        Who samples it.
    later
        Calls after the first one, of the marginal engine.
    """

    formula: str
    what: str
    frame: Callable[[Path], pd.DataFrame]
    engines: tuple[str, ...] = ("marginal", "hierarchical", "bambi", "brms")
    later: int = 10


def packaged(name: str) -> Callable[[Path], pd.DataFrame]:
    """A data set of the package."""
    return lambda _: blm.datasets.load(name)


def of(name: str, **options: Any) -> Case:
    """The same problem as fits are timed on."""
    problem = SMALL[name]
    return Case(problem.formula, problem.what, problem.frame, **options)


CASES = {
    "salary": Case(SALARY, "25 rows, 5 groups, singular slope", packaged("salary")),
    "sleepstudy": of("sleepstudy"),
    "Penicillin": of("Penicillin"),
    "Pastes": Case("strength ~ 1 + (1 | batch/cask)", "60 rows, nested", packaged("pastes")),
    "slopes500": of("slopes500", engines=("marginal", "hierarchical", "bambi"), later=3),
    "InstEval": of("InstEval", engines=("importance",), later=0),
}


# -- one process ---------------------------------------------------------------------------------------------------


def measure(name: str, engine: str, folder: str, later: int, seed: int) -> dict[str, Any]:
    """In this process: sample, and again; what it takes and gives."""
    warnings.simplefilter("ignore")
    case = CASES[name]
    model = blm.Model(case.formula, case.frame(Path(folder)))
    post = model.sample(engine=engine, seed=seed, progressbar=False)
    ready = time.time()
    seconds, ess, divergences = [], [least_ess(post)], [diverged(post)]
    for turn in range(later):
        start = time.perf_counter()
        post = model.sample(engine=engine, seed=seed + turn + 1, progressbar=False)
        seconds.append(time.perf_counter() - start)
        ess.append(least_ess(post))
        divergences.append(diverged(post))
    told = {k: post.data.attrs[k] for k in ("khat", "proposals", "importance_ess") if k in post.data.attrs}
    return {"ready": ready, "later": seconds, "ess": ess, "divergences": divergences, **told}


def least_ess(post: "blm.Posterior") -> float:
    """Least bulk ESS of fixed effects, sds, correlations and sigma; what the weights are worth, of importance."""
    if "importance_ess" in post.data.attrs:
        return float(post.data.attrs["importance_ess"])
    from bayeslmm.results.convergence import ess_bulk
    from bayeslmm.results.posterior_diagnostics import parameters

    return float(ess_bulk(parameters(post.draws)[1].transpose(2, 0, 1)).min())


def diverged(post: "blm.Posterior") -> int:
    """How many draws."""
    stats = post.data["sample_stats"]
    return int(stats["diverging"].sum()) if "diverging" in stats else 0


# -- many processes ------------------------------------------------------------------------------------------------


def caches(folder: Path) -> dict[str, str]:
    """Environment with Numba's and PyTensor's caches there."""
    return os.environ | {
        "NUMBA_CACHE_DIR": str(folder / "numba"),
        "PYTENSOR_FLAGS": f"base_compiledir={folder / 'pytensor'}",
    }


def call(command: list[str], environment: dict[str, str]) -> dict[str, Any]:
    """A process that prints JSON last; `first` are the seconds until it was ready."""
    start = time.time()
    out = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if out.returncode:
        raise RuntimeError(out.stderr[-2000:])
    found = json.loads(out.stdout.strip().splitlines()[-1])
    return {**found, "first": found.pop("ready", time.time()) - start}


@dataclass(frozen=True, slots=True)
class Runner:
    """Starts processes of each engine.

    Attributes
    ----------
    folder
        Where data lie as CSV.
    bambi
        None: it is not there.
    environment
        With the caches.
    """

    folder: Path
    bambi: Bambi | None
    environment: dict[str, str]

    def __call__(self, name: str, engine: str, later: int, seed: int) -> dict[str, Any]:
        """One process."""
        case = CASES[name]
        if engine == "bambi" and self.bambi is not None:
            command = self.bambi.command(case.formula, self._data(name), later, seed)
        elif engine == "brms":
            script = str(Path(__file__).with_name("brms.R"))
            command = ["Rscript", script, case.formula, str(self._data(name)), str(later), str(seed)]
        else:
            command = [sys.executable, __file__, "--process", name, engine, str(self.folder), str(later), str(seed)]
        return call(command, self.environment)

    def _data(self, name: str) -> Path:
        """The frame as CSV, with the names of its factors beside it."""
        path = self.folder / f"{name}.csv"
        frame = CASES[name].frame(self.folder)
        frame.to_csv(path, index=False)
        factors = [c for c in frame.columns if not pd.api.types.is_numeric_dtype(frame[c])]
        path.with_suffix(".types").write_text("\n".join(factors) + "\n")
        return path


def has_brms() -> bool:
    """Whether R has brms."""
    check = ["Rscript", "-e", 'quit(status = !requireNamespace("brms", quietly = TRUE))']
    return Lme4.present() and subprocess.run(check, capture_output=True, check=False).returncode == 0


def row(runner: Runner, name: str, engine: str, turns: int) -> dict[str, Any]:
    """Seconds of the process that was disturbed least: medians of its calls; draws of all."""
    later = CASES[name].later if engine in ("marginal", "importance") else 2
    runs = [runner(name, engine, later, 100 * i + 1) for i in range(turns)]
    ess = [e for run in runs for e in run["ess"]]
    found = {
        "first": min(run["first"] for run in runs),
        "later": min(float(np.median(run["later"] or [run["first"]])) for run in runs),
        "ess": float(np.median(ess)),
        "ess_least": min(ess),
        "divergences": sum(d for run in runs for d in run["divergences"]),
        "samplings": len(ess),
    }
    return found | {k: runs[0][k] for k in ("khat", "proposals", "versions") if k in runs[0]}


def less_disturbed(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """The newer row, with the seconds of the older one where these are fewer."""
    return before | now | {k: min(before[k], now[k]) for k in ("first", "later") if k in before and k in now}


def imports(environment: dict[str, str], turns: int = 3) -> float:
    """Seconds of a process that imports nutpie."""
    command = [sys.executable, "-c", "import nutpie; print('{}')"]
    return min(call(command, environment)["first"] for _ in range(turns))


# -- table and figure ----------------------------------------------------------------------------------------------


def show(found: dict[str, Any]) -> None:
    """Print the table, draw the figure."""
    print("| problem | | engine | ESS | first call, s | empty caches | later calls, s | ESS per second | divergences |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, case in CASES.items():
        for engine, r in found["rows"].get(name, {}).items():
            cells = [name, case.what, engine, f"{r['ess']:,.0f}", *(digits(r.get(k)) for k in ("first", "empty"))]
            cells += [
                digits(r["later"]),
                f"{float(f'{r["ess"] / r["later"]:.2g}'):,g}",
                f"{r['divergences']} in {4 * r['samplings']},000",
            ]
            print("| " + " | ".join(cells) + " |")
    figure(found["rows"], RESULTS / "posterior.png")


def digits(seconds: float | None) -> str:
    """Three digits."""
    return "" if seconds is None else f"{seconds:.3g}"


COLOURS = {"hierarchical": "#009E73", "bambi": "#D55E00", "brms": "#666666"}
OURS = "#0072B2"


def figure(rows: dict[str, dict[str, Any]], path: Path) -> None:
    """Effective draws a second of each engine, on a log scale."""
    import matplotlib.pyplot as plt

    shown = [name for name in CASES if name in rows]
    _, ax = plt.subplots(figsize=(7, 0.62 * len(shown) + 1.0), layout="constrained")
    for y, name in enumerate(reversed(shown)):
        points = sorted((r["ess"] / r["later"], engine) for engine, r in rows[name].items())
        ax.plot([points[0][0], points[-1][0]], [y, y], color="#cccccc", lw=1, zorder=0)
        for i, (x, engine) in enumerate(points):
            colour, side = COLOURS.get(engine, OURS), 1 - 2 * (i % 2)
            ax.plot(x, y, "o", ms=8, color=colour)
            ax.annotate(
                f"{engine} {float(f'{x:.2g}'):,g}",
                (x, y),
                xytext=(0, 7 * side),
                textcoords="offset points",
                ha="center",
                va="bottom" if side > 0 else "top",
                fontsize=7,
                color=colour,
            )
    ax.set_xscale("log")
    ax.set_ylim(-0.6, len(shown) - 0.4)
    ax.set_yticks(range(len(shown)), list(reversed(shown)))
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("least bulk ESS per second of a later call, log scale")
    ax.set_title("Effective draws a second of the worst parameter", loc="left", fontsize=10)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    plt.savefig(path, dpi=150)


# -- parts ---------------------------------------------------------------------------------------------------------


def table(runner: Runner, found: dict[str, Any], names: list[str], engines: list[str], turns: int) -> None:
    """First and later calls."""
    if "sleepstudy" in names and "marginal" in engines:
        kept = {"kept": imports(runner.environment)}
        found["import_nutpie"] = found.get("import_nutpie", {}) | kept
    for name in names:
        for engine in CASES[name].engines:
            if engine in engines:
                before = found["rows"].setdefault(name, {}).get(engine, {})
                found["rows"][name][engine] = less_disturbed(before, row(runner, name, engine, turns))
                print(name, engine, found["rows"][name][engine], flush=True)


def empty(runner: Runner, found: dict[str, Any], names: list[str], engines: list[str]) -> None:
    """First calls with empty caches."""
    if "marginal" in engines:
        with tempfile.TemporaryDirectory() as folder:
            found["import_nutpie"]["empty"] = imports(caches(Path(folder)), 1)
    for name in names:
        for engine in CASES[name].engines:
            if engine in engines:
                with tempfile.TemporaryDirectory() as folder:
                    once = Runner(runner.folder, runner.bambi, caches(Path(folder)))(name, engine, 0, 1)
                found["rows"].setdefault(name, {}).setdefault(engine, {})["empty"] = once["first"]
                print(name, engine, f"{once['first']:.2f}", flush=True)


def parts_of_first_calls(runner: Runner) -> dict[str, Any]:
    """The breakdown with the loops on disk and without."""

    def once(environment: dict[str, str]) -> dict[str, Any]:
        script = str(Path(__file__).with_name("first_sample.py"))
        return call([sys.executable, script, str(time.time())], environment)

    with tempfile.TemporaryDirectory() as folder:
        return {"kept": once(runner.environment), "empty": once(caches(Path(folder)))}


def seeds() -> dict[str, Any]:
    """Divergences and ESS of 20 seeds on `salary`."""
    warnings.simplefilter("ignore")
    model = blm.Model(SALARY, blm.datasets.load("salary"))
    posts = [model.sample(seed=seed, progressbar=False) for seed in range(20)]
    ess = [least_ess(post) for post in posts]
    return {"divergences": sum(map(diverged, posts)), "ess_least": min(ess), "ess": float(np.median(ess))}


def main() -> None:
    """Run what is asked for, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", default=list(CASES))
    parser.add_argument("--engine", nargs="*", default=["marginal", "importance", "hierarchical", "bambi", "brms"])
    parser.add_argument("--part", default="table", choices=["table", "empty", "breakdown", "seeds", "show"])
    parser.add_argument("--turns", type=int, default=2, help="processes of each engine")
    parser.add_argument("--bambi", help="a Python that has bambi")
    parser.add_argument("--process", nargs=5)
    options = parser.parse_args()
    if options.process:
        name, engine, folder, later, seed = options.process
        print(json.dumps(measure(name, engine, folder, int(later), int(seed))))
        return
    path = RESULTS / "posterior.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"rows": {}}
    packages = ("bayeslmm", "numpy", "numba", "pymc", "nutpie", "arviz")
    found["versions"] = {"python": platform.python_version()} | {p: version(p) for p in packages}
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        engines = list(options.engine)
        asked = options.part in ("table", "empty")
        bambi = None
        if asked and "bambi" in engines:
            bambi = Bambi(options.bambi) if options.bambi else Bambi.installed_in(folder / "bambi")
            if bambi is None:
                print("bambi cannot be installed here (it takes uv and a package index): left out")
                engines.remove("bambi")
        if asked and "brms" in engines and not has_brms():
            print("R with brms is absent: left out")
            engines.remove("brms")
        if asked and "InstEval" in options.only and "importance" in engines:
            if not Lme4.present():
                print("R with lme4, where InstEval comes from, is absent: left out")
                options.only.remove("InstEval")
            else:
                Lme4(folder).data("InstEval")
        runner = Runner(folder, bambi, dict(os.environ))
        if options.part == "table":
            table(runner, found, options.only, engines, options.turns)
        elif options.part == "empty":
            empty(runner, found, options.only, engines)
        elif options.part == "breakdown":
            found["breakdown"] = parts_of_first_calls(runner)
            print(json.dumps(found["breakdown"], indent=1))
        elif options.part == "seeds":
            found["salary_seeds"] = seeds()
            print(found["salary_seeds"])
        else:
            show(found)
    RESULTS.mkdir(exist_ok=True)
    path.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
