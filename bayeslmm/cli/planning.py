"""`bayeslmm simulate` and `bayeslmm power`: data from a stated model, and how often a design finds what is there."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from bayeslmm.cli.as_json import plain, records
from bayeslmm.cli.fitting import model_of
from bayeslmm.cli.folder import fill, save_table
from bayeslmm.cli.layout import Layout, layout
from bayeslmm.cli.read import read_data
from bayeslmm.cli.request import Request, output_folder
from bayeslmm.cli.show import as_csv, output_file, print_json, written
from bayeslmm.cli.stated import Stated, stated
from bayeslmm.cli.terminal import Terminal
from bayeslmm.design.formula import parse
from bayeslmm.design.linear import linear_functions
from bayeslmm.errors import ArgumentError
from bayeslmm.planning.power import Power
from bayeslmm.planning.power import power as powers
from bayeslmm.planning.simulate import Simulation, blank
from bayeslmm.planning.simulate import simulate as simulated
from bayeslmm.point.ddf import Ddf
from bayeslmm.results.fit import Fit
from bayeslmm.results.pictures import save_picture


@dataclass(frozen=True, slots=True)
class Plan:
    """The design and the parameters, as they were written; `request.data` is empty where there are no data."""

    request: Request
    groups: list[str]
    per_group: str | None
    within: list[str]
    between: list[str]
    fixef: list[str]
    sd: list[str]
    cor: list[str]
    sigma: float | None

    @property
    def options(self) -> dict[str, Any]:
        """What `blm.simulate` and `blm.power` take besides."""
        of = self.request
        given = {"weights": of.weights, "offset": of.offset, "contrasts": of.contrasts}
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Ready:
    """The design, the parameters, and the pilot's fit behind them, where there is one."""

    layout: Layout
    stated: Stated
    pilot: Fit | None

    def parameters(self) -> dict[str, Any]:
        """By argument."""
        return {name: getattr(self.stated, name) for name in ("fixef", "sd", "cor", "sigma")}


def ready(plan: Plan) -> Ready:
    """Read design and parameters; data that have the response are a pilot study, and are fitted."""
    formula = parse(plan.request.formula)
    data = read_data(plan.request.data)[0] if plan.request.data else None
    found = layout(formula, data, plan.groups, plan.per_group, plan.within, plan.between)
    has_response = data is not None and formula.response.label.strip("`") in data.columns
    pilot = model_of(plan.request).fit(plan.request.reml) if has_response else None
    groups = [bar.group.name for bar in formula.random]
    if pilot is None and groups and not plan.sd:
        raise ArgumentError(f"no --sd for the random effects of `{groups[0]}`: --sd {groups[0]}=25, or =25,6 for two")
    return Ready(found, stated(plan.fixef, plan.sd, plan.cor, plan.sigma, pilot), pilot)


# -- simulate ---------------------------------------------------------------------------------------------------------


def simulate(plan: Plan, seed: int | None) -> None:
    """Make data, write them, and the truth beside them; without a file the data go to stdout.

    Raises
    ------
    BayeslmmError
        With a sentence for the user.
    """
    request, seed = plan.request, fresh_seed() if seed is None else seed
    output_file(request.out, (".csv",))
    terminal = Terminal.new(silent=request.json or request.out is None)
    with terminal.warnings_as_notes():
        plans = ready(plan)
        several = [name for name, tried in plans.layout.sizes.items() if len(tried) > 1]
        if several:
            raise ArgumentError(f"simulate makes one design: give one number for {several[0]}, not several")
        design = plans.layout.make(seed, **{k: v[0] for k, v in plans.layout.sizes.items()})
        made = simulated(request.formula, design, **plans.parameters(), seed=seed, **plan.options)
    files = [] if request.out is None else _write(request.out, made, seed)
    terminal.output(str(made))
    for path in files:
        terminal.output(f"Written to {path}")
    if request.json:
        document = {**_truth(made, seed), "data": records(made.data), "notes": terminal.notes}
        print_json(terminal, json.dumps(plain({**document, "files": [str(f) for f in files]}), allow_nan=False))
    elif request.out is None:
        print(as_csv(made.data), end="")


def fresh_seed() -> int:
    """A seed that nobody chose, to be told with what was made of it."""
    return int(np.random.SeedSequence().generate_state(1)[0])


def _write(out: Path, made: Simulation, seed: int) -> list[Path]:
    text = json.dumps(plain(_truth(made, seed)), indent=2, allow_nan=False)
    return [written(out, as_csv(made.data)), written(out.with_suffix(".truth.json"), text + "\n")]


def _truth(made: Simulation, seed: int) -> dict[str, Any]:
    return {
        "bayeslmm": version("bayeslmm"),
        "command": "simulate",
        "formula": made.formula,
        "seed": seed,
        "rows": len(made.data),
        "parameters": records(made.truth, "parameter"),
        "ranef": records(made.ranef),
    }


# -- power ------------------------------------------------------------------------------------------------------------


def power(plan: Plan, terms: list[str] | None, n: int, alpha: float, seed: int | None) -> None:
    """Simulate, count, and show.

    Raises
    ------
    BayeslmmError
        With a sentence for the user.
    """
    request = plan.request
    if request.out is not None:
        output_folder(request.out)
    terminal = Terminal.new(silent=request.json)
    with terminal.warnings_as_notes():
        plans = ready(plan)
        truth = _truth_of(plan, plans, terms)
        _say_truth(terminal, plans, truth)
        found = _powers(plan, plans, terms, n, alpha, seed, terminal)
        terminal.heading("How often it is found")
        terminal.output(str(found))
        files = [] if request.out is None else fill(request.out, terminal, _files(request.out, found), "power.txt")
    if request.json:
        document = _document(plan, found, truth, terminal, files)
        print_json(terminal, json.dumps(plain(document), allow_nan=False))


def _truth_of(plan: Plan, plans: Ready, terms: list[str] | None) -> pd.DataFrame:
    """The parameters by name; those that cannot be, and terms that there are not, are errors before the work begins."""
    design = plans.layout.first()
    if terms:
        linear_functions(terms, blank(plan.request.formula, design, plan.options))
    return simulated(plan.request.formula, design, **plans.parameters(), seed=1, **plan.options).truth


def _powers(
    plan: Plan, plans: Ready, terms: list[str] | None, n: int, alpha: float, seed: int | None, terminal: Terminal
) -> Power:
    tried = plans.layout.sizes
    design: Any = plans.layout.make if tried else plans.layout.make()
    return powers(
        plan.request.formula,
        design,
        grid=tried or None,
        **plans.parameters(),
        test=terms,
        n=n,
        alpha=alpha,
        ddf=cast(Ddf, plan.request.ddf),
        reml=plan.request.reml,
        seed=seed,
        progress=terminal.watched,
        **plan.options,
    )


def _say_truth(terminal: Terminal, plans: Ready, truth: pd.DataFrame) -> None:
    terminal.heading("Simulated from")
    terminal.output(truth[["value"]].to_string(header=False, float_format="{:.5g}".format, index_names=False))
    pilot = plans.pilot
    if pilot is None:
        return
    terminal.prose(
        f"What was not given is as estimated from {pilot.data_name}, {pilot.nobs} rows. Estimates of a small study are "
        "uncertain, and an effect that was found there is likely to be smaller: give --fixef a size worth finding."
    )
    if pilot.is_singular:
        terminal.note(
            "the fit of these data is singular, and its sds and correlations on the boundary are too good to be true: "
            "give them by --sd and --cor"
        )


def _files(out: Path, found: Power) -> Iterator[tuple[Path, str]]:
    yield save_table(found.table, out / "power.csv"), "every design and test, with Monte Carlo intervals"
    yield save_picture(found.plot(), out / "power.png"), "power against the size of the design"


def _document(plan: Plan, found: Power, truth: pd.DataFrame, terminal: Terminal, files: list[Path]) -> dict[str, Any]:
    return {
        "bayeslmm": version("bayeslmm"),
        "command": "power",
        "formula": plan.request.formula,
        "data": plan.request.data or None,
        "parameters": records(truth, "parameter"),
        "alpha": found.alpha,
        "ddf": found.ddf,
        "level": found.level,
        "table": records(found.table),
        "notes": terminal.notes,
        "files": [str(f) for f in files],
    }
