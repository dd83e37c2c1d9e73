"""Size of tests and coverage of intervals where groups are few, by simulation, with Monte Carlo errors.

    uv run python benchmarks/calibration.py [--n 400] [--boot 199] [--groups 5 10 20] [--no-r]
    uv run python benchmarks/calibration.py --no-boot [--n 400]   bootstraps are kept from the last run

Three truths, each with 5, 10 and 20 unbalanced groups of 4 to 8 rows:

    slopes       y = u + v x + e, correlated u and v: fixed effects of x (within) and a (between groups), sds, sigma
    no groups    y = e: the test of the intercepts' variance
    no slopes    y = u + e: the test of the slopes' variance

Every method sees the same responses; lmerTest does too, where R is installed. To add a method, add it to one of the
lists. Writes results/calibration.json beside this file.
"""

import argparse
import json
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

import bayeslmm as blm
from bayeslmm.errors import ArgumentError, BayeslmmError
from bayeslmm.point.distributions import t_quantile
from bayeslmm.results.bootstrap import Bootstrap
from bayeslmm.results.fit import Fit

RESULTS = Path(__file__).with_name("results")
LEVEL = 0.95
TRUTH = {"sd_(Intercept)|g": 1.0, "sd_x|g": 0.5, "cor_x.(Intercept)|g": 0.3, "sigma": 1.0, "a": 0.0, "x": 0.0}
REFITS: dict[tuple[int, int, str], Bootstrap] = {}
FIXED = ["a", "x"]
COVARIANCE = ["sd_(Intercept)|g", "sd_x|g", "sigma"]


@dataclass(frozen=True, slots=True)
class Intervals:
    """A method of intervals: its name, the parameters it is for, and lower and upper by parameter from a fit."""

    name: str
    parameters: Sequence[str]
    function: Callable[[Fit, int], pd.DataFrame]


@dataclass(frozen=True, slots=True)
class VarianceTest:
    """A test of the random term's variance: its name, a p-value from a fit, and on how many times n data sets."""

    name: str
    function: Callable[[Fit, int], float]
    times: int = 10


def by_df(ddf: str) -> Callable[[Fit, int], pd.DataFrame]:
    """Estimate -+ t quantile * se; a test of the true value at 5 % rejects exactly where this misses it."""

    def interval(fit: Fit, _: int) -> pd.DataFrame:
        tests = fit.tests(ddf)
        half = t_quantile(0.5 + LEVEL / 2, tests["df"].to_numpy()) * tests["se"]
        return pd.DataFrame({"lower": tests["estimate"] - half, "upper": tests["estimate"] + half})

    return interval


def profile(fit: Fit, _: int) -> pd.DataFrame:
    """Profile likelihood."""
    return fit.confint("profile", LEVEL, [*FIXED, *COVARIANCE])


def wald(fit: Fit, _: int) -> pd.DataFrame:
    """Wald on the log scale."""
    return fit.confint("wald", LEVEL, COVARIANCE)


def boot(kind: str, parameters: Sequence[str], resample: str = "parametric") -> Callable[[Fit, int], pd.DataFrame]:
    """Bootstrap intervals; the kinds make different things of the same refits."""

    def interval(fit: Fit, n: int) -> pd.DataFrame:
        key = id(fit), n, resample
        if key not in REFITS:
            REFITS[key] = fit.bootstrap(n=n, seed=1, resample=resample, workers=1)
        return REFITS[key].only(parameters).confint(LEVEL, kind)

    return interval


INTERVALS = [
    Intervals("normal (Wald)", FIXED, by_df("asymptotic")),
    Intervals("residual df", FIXED, by_df("residual")),
    Intervals("Satterthwaite", FIXED, by_df("satterthwaite")),
    Intervals("Kenward-Roger", FIXED, by_df("kenward-roger")),
    Intervals("Wald, log scale", COVARIANCE, wald),
    Intervals("profile", [*FIXED, *COVARIANCE], profile),
    Intervals("boot percentile", [*FIXED, *COVARIANCE], boot("percentile", [*FIXED, *COVARIANCE])),
    Intervals("boot basic", [*FIXED, *COVARIANCE], boot("basic", [*FIXED, *COVARIANCE])),
    Intervals("boot BCa", [*FIXED, *COVARIANCE], boot("bca", [*FIXED, *COVARIANCE])),
    Intervals("boot studentised", FIXED, boot("studentised", FIXED)),
    Intervals(
        "boot residual, percentile", [*FIXED, *COVARIANCE], boot("percentile", [*FIXED, *COVARIANCE], "residual")
    ),
    Intervals("boot cases, percentile", [*FIXED, *COVARIANCE], boot("percentile", [*FIXED, *COVARIANCE], "cases")),
]


def chi_square(fit: Fit, _: int) -> float:
    """The plain chi-square, as lmerTest's ranova."""
    return float(fit.ranova().table["p"].iloc[1])


def at_boundary(fit: Fit, _: int) -> float:
    """What ranova says at the boundary; the plain chi-square where it names none."""
    row = fit.ranova().table.iloc[1]
    return float(row["p_boundary"] if np.isfinite(row["p_boundary"]) else row["p"])


def bootstrap_test(fit: Fit, n: int) -> float:
    """Parametric bootstrap of the likelihood ratio."""
    return float(fit.ranova(method="boot", n=n, seed=1).table["p_boundary"].iloc[1])


VARIANCE_TESTS = {
    "no groups": [
        VarianceTest("chi2(1)", chi_square),
        VarianceTest("exact RLRT", at_boundary),
        VarianceTest("bootstrap", bootstrap_test, times=1),
    ],
    "no slopes": [
        VarianceTest("chi2(2)", chi_square),
        VarianceTest("mixture", at_boundary),
        VarianceTest("bootstrap", bootstrap_test, times=1),
    ],
}


def template(groups: int, formula: str, seed: int) -> Fit:
    """A fit of the design, whose responses are replaced."""
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(groups), 4 + np.arange(groups) % 5)
    a = rng.normal(size=groups)[g]
    data = pd.DataFrame({"y": rng.normal(size=g.size), "x": rng.normal(size=g.size), "a": a, "g": g.astype(str)})
    return blm.Model(formula, data).fit()


def responses(fit: Fit, n: int, seed: int, sd: Sequence[float], cor: float = 0.0) -> np.ndarray:
    """(n, rows): y = u + v x + e with these sds of (u, v), sigma = 1, and no fixed effects."""
    rng = np.random.default_rng(seed)
    index = fit.design.terms[0].index
    x = fit.design.X[:, fit.design.coef_names.index("x")]
    L = np.diag(sd) @ np.array([[1.0, 0.0], [cor, np.sqrt(1 - cor**2)]])
    b = rng.normal(size=(n, fit.design.terms[0].n_levels, 2)) @ L.T
    return b[:, index, 0] + b[:, index, 1] * x + rng.normal(size=(n, x.size))


def coverage(fit: Fit, Y: np.ndarray, n_boot: int) -> pd.DataFrame:
    """Share of intervals that hold the truth, with its Monte Carlo error, by method and parameter."""
    rows = []
    refits = [fit.refit_quietly(y) for y in Y]
    REFITS.clear()
    for method in INTERVALS:
        started = time.perf_counter()
        hits: dict[str, list[bool]] = {p: [] for p in method.parameters}
        undefined = dict.fromkeys(method.parameters, 0)
        for refit in refits:
            try:
                found = method.function(refit, n_boot)
            except (ArgumentError, BayeslmmError, np.linalg.LinAlgError):
                found = pd.DataFrame(np.nan, index=list(method.parameters), columns=["lower", "upper"])
            for p in method.parameters:
                low, high = found.loc[p]
                if np.isnan(low) or np.isnan(high):
                    undefined[p] += 1
                else:
                    hits[p].append(bool(low <= TRUTH[p] <= high))
        ms = (time.perf_counter() - started) / len(Y) * 1e3
        for p, held in hits.items():
            share, error = _share(held)
            rows.append((method.name, p, share, error, undefined[p], ms))
    return pd.DataFrame(rows, columns=["method", "parameter", "coverage", "mc_error", "undefined", "ms"])


def sizes(fit: Fit, Y: np.ndarray, tests: Sequence[VarianceTest], n_boot: int) -> pd.DataFrame:
    """Share of p-values below 5 % where the variance is zero, with its Monte Carlo error."""
    rows = []
    refits = [fit.refit_quietly(y) for y in Y]
    most = max(test.times for test in tests)
    for test in tests:
        p = np.array([test.function(refit, n_boot) for refit in refits[: len(refits) * test.times // most]])
        rows.append((test.name, *_share((p < 1 - LEVEL).tolist())))
    return pd.DataFrame(rows, columns=["method", "size", "mc_error"])


def _share(held: Sequence[bool]) -> tuple[float, float]:
    if not held:
        return np.nan, np.nan
    share = float(np.mean(held))
    return share, float(np.sqrt(share * (1 - share) / len(held)))


def lmertest(fit: Fit, formula: str, Y: np.ndarray) -> pd.DataFrame | None:
    """lmerTest's Satterthwaite and, where pbkrtest is there, Kenward-Roger on the same responses; None without R."""
    if shutil.which("Rscript") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        X = pd.DataFrame(fit.design.X, columns=list(fit.design.coef_names))
        X["g"] = fit.design.terms[0].index
        X.to_csv(Path(folder) / "X.csv", index=False)
        pd.DataFrame(Y.T).to_csv(Path(folder) / "Y.csv", index=False)
        script = Path(__file__).with_name("calibration.R")
        done = subprocess.run(["Rscript", str(script), folder, formula], capture_output=True, text=True, check=False)
        if done.returncode:
            return None
        p = pd.read_csv(Path(folder) / "p.csv")
    rows = []
    for column in p.columns:
        name, parameter = column.split(".")
        known = p[column].dropna()
        share, error = _share((known >= 1 - LEVEL).tolist())
        rows.append((f"lmerTest, {name}", parameter, share, error, int(p[column].isna().sum()), np.nan))
    return pd.DataFrame(rows, columns=["method", "parameter", "coverage", "mc_error", "undefined", "ms"])


def main() -> None:
    """Run all designs and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=400, help="simulated data sets")
    parser.add_argument("--boot", type=int, default=199, help="bootstrap refits in each of them")
    parser.add_argument("--groups", type=int, nargs="+", default=[5, 10, 20])
    parser.add_argument("--no-r", action="store_true")
    parser.add_argument("--tests-only", action="store_true", help="leave intervals as they were written last")
    parser.add_argument("--no-boot", action="store_true", help="leave bootstraps as they were written last")
    options = parser.parse_args()
    if options.no_boot:
        INTERVALS[:] = [method for method in INTERVALS if not method.name.startswith("boot")]
        VARIANCE_TESTS.update({k: [t for t in v if t.name != "bootstrap"] for k, v in VARIANCE_TESTS.items()})
    warnings.simplefilter("ignore", blm.errors.BayeslmmWarning)
    covered, sized = [], []
    for groups in options.groups:
        formula = "y ~ a + x + (x | g)"
        if not options.tests_only:
            fit = template(groups, formula, 3)
            Y = responses(fit, options.n, 1, (1.0, 0.5), 0.3)
            parts = [coverage(fit, Y, options.boot)]
            if not options.no_r and (theirs := lmertest(fit, formula, Y)) is not None:
                parts.append(theirs)
            covered.append(pd.concat(parts).assign(groups=groups))
        for truth, sd in (("no groups", (0.0, 0.0)), ("no slopes", (1.0, 0.0))):
            fit = template(groups, "y ~ a + x + (1 | g)" if truth == "no groups" else formula, 3)
            found = sizes(fit, responses(fit, 10 * options.n, 2, sd), VARIANCE_TESTS[truth], options.boot)
            sized.append(found.assign(truth=truth, groups=groups))
        print(f"{groups} groups done", flush=True)
    path = RESULTS / "calibration.json"
    last = json.loads(path.read_text()) if options.tests_only or options.no_boot else {}
    intervals = pd.DataFrame(last["coverage"]) if options.tests_only else pd.concat(covered, ignore_index=True)
    tests = pd.concat(sized, ignore_index=True)
    if options.no_boot:
        intervals, tests = with_last(intervals, last["coverage"]), with_last(tests, last["size"])
    n_boot, boot = (last.get("n_boot", last["n"]), last["boot"]) if options.no_boot else (options.n, options.boot)
    print(
        f"\nCoverage of 95 % intervals, {options.n} data sets (standard error of the simulation); bootstraps: "
        f"{n_boot} data sets, {boot} refits in each"
    )
    print(table(intervals, ["method", "parameter"], "coverage"))
    print("\nSize of tests at 5 %")
    print(table(tests, ["truth", "method"], "size"))
    RESULTS.mkdir(exist_ok=True)
    out = {
        "n": options.n,
        "n_boot": n_boot,
        "boot": boot,
        "coverage": intervals.to_dict("records"),
        "size": tests.to_dict("records"),
    }
    path.write_text(json.dumps(out, indent=1) + "\n")


def with_last(found: pd.DataFrame, last: Sequence[dict[str, object]]) -> pd.DataFrame:
    """Add the rows of the bootstraps of the last run."""
    kept = [row for row in last if str(row["method"]).startswith("boot")]
    return pd.concat([found, pd.DataFrame(kept)], ignore_index=True)


def table(found: pd.DataFrame, keys: list[str], value: str) -> str:
    """Markdown: one row for each method, one column for each number of groups."""
    groups = list(found["groups"].unique())
    lines = [
        "| " + " | ".join([*keys, *(f"{g} groups" for g in groups)]) + " |",
        "|---" * (len(keys) + len(groups)) + "|",
    ]
    for key, part in found.groupby(keys, sort=False):
        cells = []
        for g in groups:
            row = part[part["groups"] == g]
            gone = int(row["undefined"].iloc[0]) if "undefined" in row and len(row) else 0
            cells.append(
                f"{row[value].iloc[0]:.3f} ({row['mc_error'].iloc[0]:.3f})" + (f", {gone} none" if gone else "")
            )
        lines.append("| " + " | ".join([*(k.replace("|", "\\|") for k in map(str, key)), *cells]) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
