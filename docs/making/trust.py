"""The tables of "Why trust it", made of what the runs left in benchmarks/results; run it to see them all.

uv run python docs/making/trust.py
"""

import json
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
PROBLEMS = {
    "salary": "25 rows, 5 groups, a slope; singular",
    "sleepstudy": "180 rows, correlated slopes",
    "Penicillin": "144 rows, crossed",
    "Pastes": "60 rows, nested",
    "slopes500": "500 x 40 rows, 4 correlated slopes",
    "InstEval": "73,421 rows, 2,972 x 1,128 crossed",
}
CALIBRATED = {
    "salary": "5 groups, a slope",
    "Penicillin": "crossed",
    "Pastes": "nested",
    "sleepstudy": "slopes without correlation",
    "weighted": "weights and an offset",
    "deficient": "a column too many",
}
INTERVALS = ("normal (Wald)", "Satterthwaite", "Kenward-Roger", "lmerTest, Satterthwaite", "lmerTest, Kenward-Roger")
PARTS = {"a": "between groups", "x": "within groups"}


@cache
def tables() -> dict[str, str]:
    """Every table by the name under which a page asks for it."""
    return {name: make() for name, make in MAKERS.items()}


def parity() -> str:
    """How far fits are from R's."""
    found = read("parity")
    cases, apart = found["cases"] - 1, found["apart"]
    rows = (
        (name, row["in"], f"{row['numbers']:,}", power(row["median"]), power(row["largest"]), power(row["apart"]))
        for name, row in found["rows"].items()
    )
    return table(
        ("quantity", "difference", "numbers", "median", f"largest, {cases} models", apart.replace("_", " ")), rows
    )


def fits() -> str:
    """One REML fit beside lme4."""
    rows = (
        (
            name,
            row["what"],
            seconds(row["lme4"]),
            seconds(row["lmer"]),
            f"{row['lme4'] / row['lmer']:,.0f}x",
            power(row["criterion"] - row["lme4_criterion"]),
        )
        for name, row in read("fit")["rows"].items()
        if "lme4" in row
    )
    return table(("problem", "", "lme4", "bayeslmm", "faster", "criterion, ours less lme4's"), rows)


def posteriors() -> str:
    """Posteriors by engine."""
    rows = (
        (
            name,
            PROBLEMS[name],
            engine,
            f"{row['ess']:,.0f}",
            seconds(row["first"]),
            seconds(row["later"]),
            f"{row['ess'] / row['later']:,.0f}",
            f"{row['divergences']} in {4000 * row['samplings']:,}",
        )
        for name, engines in read("posterior")["rows"].items()
        for engine, row in engines.items()
    )
    head = ("problem", "", "engine", "ESS", "first call", "later calls", "ESS per second", "divergences")
    return table(head, rows)


def ranks() -> str:
    """Simulation-based calibration."""
    return table(
        ("model", "", "data sets", "quantities", "least p", "of", "adjusted"), map(_ranked, read("sbc").items())
    )


def _ranked(item: tuple[str, dict[str, Any]]) -> tuple[str, ...]:
    name, found = item
    least, row = min(found["table"].items(), key=lambda pair: pair[1]["p"])
    numbers = f"{row['p']:.2g}", least, f"{row['p_adjusted']:.2g}"
    return name, CALIBRATED[name], f"{found['n']}", f"{len(found['table'])}", *numbers


def coverage() -> str:
    """Coverage of intervals of fixed effects."""
    found = {(row["method"], row["parameter"], row["groups"]): row for row in read("calibration")["coverage"]}
    groups = sorted({key[2] for key in found})
    rows = (
        (method, PARTS[effect], *(share(found[method, effect, J], "coverage") for J in groups))
        for effect in PARTS
        for method in INTERVALS
    )
    return table(("method", "effect", *(f"{J} groups" for J in groups)), rows)


def sizes() -> str:
    """Size of tests of a variance that is zero."""
    found = {(row["truth"], row["method"], row["groups"]): row for row in read("calibration")["size"]}
    groups = sorted({key[2] for key in found})
    kinds = dict.fromkeys((truth, method) for truth, method, _ in found)
    rows = (
        (truth, method, *(share(found[truth, method, J], "size") for J in groups))
        for truth, method in kinds
        if method != "bootstrap"
    )
    return table(("truth", "test", *(f"{J} groups" for J in groups)), rows)


def hard() -> str:
    """Hard problems."""
    rows = (
        (name, row["m"], row["evaluations"], "yes" if row["holds"] else "no", power(row["decrement"]))
        for name, row in read("hard").items()
    )
    return table(("problem", "covariance parameters", "evaluations", "proven", "could still fall by"), rows)


MAKERS: dict[str, Callable[[], str]] = {
    "parity": parity,
    "fits": fits,
    "posteriors": posteriors,
    "ranks": ranks,
    "coverage": coverage,
    "sizes": sizes,
    "hard": hard,
}


def read(name: str) -> dict[str, Any]:
    """What a run left."""
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table; columns of numbers are aligned at their ends, descriptions have no name."""
    body = [list(map(str, row)) for row in rows]
    names = list(head)
    numeric = [
        bool(name) and all(cell.lstrip("-")[:1].isdigit() for cell in column)
        for name, column in zip(names, zip(*body, strict=True), strict=True)
    ]
    lines = [names, ["--:" if number else "---" for number in numeric], *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def share(row: dict[str, Any], key: str) -> str:
    """A share with its Monte Carlo standard error."""
    return f"{row[key]:.3f} ({row['mc_error']:.3f})"


def seconds(value: float) -> str:
    """A time in the unit that suits it."""
    return f"{1000 * value:.3g} ms" if value < 1 else f"{value:.3g} s" if value < 1000 else f"{value:,.0f} s"


def power(value: float) -> str:
    """A size to two digits."""
    return "0" if value == 0 else f"{value:.1e}".replace("e-0", "e-").replace("e+0", "e+").replace("e+0", "")


if __name__ == "__main__":
    for name, text in tables().items():
        print(f"\n{name}\n\n{text}")
