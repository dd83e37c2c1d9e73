"""The checks of draws: limits, words, and next steps that are code which exists."""

import ast
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import bayeslmm
from bayeslmm.results import draw_checks as checks
from bayeslmm.results.draw_checks import Run
from bayeslmm.results.posterior import Posterior
from tests.results.posterior_draws import case

MARGINAL = Run("marginal", 1000, 200, 0.8, np.nan, np.nan)
HIERARCHICAL = Run("hierarchical", 1000, 1000, 0.95, np.nan, np.nan)
BAD = pd.Series([1.5, 30.0], ["a", "b"])
ROWS = [
    make(run)
    for run in (MARGINAL, HIERARCHICAL, replace(HIERARCHICAL, tune=4000, target_accept=0.99))
    for make in (
        lambda run: checks.divergences(np.ones((4, 5), dtype=bool), 20, run),
        lambda run: checks.rhat(BAD, 4, run),
        lambda run: checks.rhat(BAD, 1, run),
        lambda run: checks.rhat(BAD * np.nan, 4, run),
        lambda run: checks.ess(BAD, "bulk", 4, run),
        lambda run: checks.ess(BAD * np.nan, "tail", 4, run),
        lambda run: checks.bfmi(np.cumsum(np.ones((2, 500)), axis=1), run),
        lambda run: checks.depth(np.ones((4, 5)), run),
        lambda run: checks.khat(replace(run, khat=0.9)),
        lambda run: checks.importance_ess(replace(run, ess=100.0)),
    )
]


def options_of_sample() -> dict[str, ast.expr]:
    """The keyword arguments of sample, read from its source: importing it takes seconds."""
    path = Path(bayeslmm.__file__).parent / "bayes" / "sample.py"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    function = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "sample")
    return {a.arg: a.annotation for a in function.args.kwonlyargs}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_next_steps_are_code_that_exists(row):
    ok, step = row[3], row[5]
    assert not ok
    calls = re.findall(r"model\.sample\([^)]*\)", step)
    assert calls
    for call in calls:
        arguments = {k.arg: ast.literal_eval(k.value) for k in ast.parse(call, mode="eval").body.keywords}
        assert arguments
        assert set(arguments) <= set(options_of_sample())
        assert all(v > 0 for v in arguments.values() if not isinstance(v, str))


def test_next_steps_go_beyond_what_was_done():
    def tune(row):
        return int(re.search(r"tune=(\d+)", row[5])[1])

    assert tune(checks.rhat(BAD, 4, MARGINAL)) == 1000
    assert tune(checks.rhat(BAD, 4, HIERARCHICAL)) == 2000
    assert "target_accept=0.999" in checks.divergences(np.ones((1, 1)), 1, replace(MARGINAL, target_accept=0.99))[5]
    assert 'engine="marginal"' in checks.divergences(np.ones((1, 1)), 1, HIERARCHICAL)[5]
    assert "draws=14000" in checks.ess(pd.Series([30.0]), "bulk", 4, MARGINAL)[5]


@pytest.mark.parametrize(
    ("row", "ok"),
    [
        (lambda: checks.rhat(pd.Series([1.0099]), 4, MARGINAL), True),
        (lambda: checks.rhat(pd.Series([1.0101]), 4, MARGINAL), False),
        (lambda: checks.ess(pd.Series([400.0]), "tail", 4, MARGINAL), True),
        (lambda: checks.ess(pd.Series([399.0]), "tail", 4, MARGINAL), False),
        (lambda: checks.khat(replace(MARGINAL, khat=0.7)), True),
        (lambda: checks.khat(replace(MARGINAL, khat=0.71)), False),
        (lambda: checks.importance_ess(replace(MARGINAL, ess=400.0)), True),
        (lambda: checks.importance_ess(replace(MARGINAL, ess=399.0)), False),
        (lambda: checks.depth(np.arange(200) < 2, MARGINAL), True),
        (lambda: checks.depth(np.arange(200) < 3, MARGINAL), False),
        (lambda: checks.finite(np.array([[[np.inf]]]), pd.Index(["a"]))[0], False),
    ],
)
def test_limits(row, ok):
    assert row()[3] is ok


def of(attrs: dict, draws: int = 500, **changes) -> Posterior:
    post = case("y ~ x + (1 + x | g)", chains=4, draws=draws).post
    data = post.data["posterior"].to_dataset()
    children = {k: v.to_dataset() for k, v in post.data.children.items()}
    children["posterior"] = data.assign({name: change(data[name]) for name, change in changes.items()})
    tree = xr.DataTree.from_dict(children)
    tree.attrs = attrs
    return replace(post, data=tree)


def test_importance_sampling_has_checks_of_its_own():
    post = of({"engine": "importance", "khat": 0.31, "importance_ess": 1500.0})
    diagnostics = post.diagnostics()
    assert list(diagnostics.table.index) == ["k-hat", "importance ESS"]
    assert diagnostics.ok
    assert "(k-hat 0.31; ESS from 1500)" in post.summary().text
    assert "posterior by importance sampling" in post.summary().text
    bad = of({"engine": "importance", "khat": 1.2, "importance_ess": 20.0})
    assert not bad.diagnostics().ok
    assert '-> model.sample(engine="marginal")' in bad.summary().text


def test_the_summary_shows_a_line_or_the_whole_table():
    assert sum("diagnostics:" in line for line in of({}, draws=1000).summary().text.splitlines()) == 1
    text = of({"tune": 200}, sigma=lambda v: v + 3 * (v["chain"] == 0)).summary().text
    for part in (
        "Diagnostics:",
        "! R-hat",
        "  divergences  none in 2000 draws",
        "-> model.sample(tune=1000, draws=1000)",
    ):
        assert part in text


def test_draws_that_are_no_numbers_are_named():
    table = of({}, sigma=lambda v: v.where(v["draw"] != 3)).diagnostics().table
    assert table.loc["finite", "where"] == "sigma"
    assert not table.loc["finite", "ok"]
    assert np.isfinite(table.loc["R-hat", "value"])


def test_nothing_constant_has_a_rhat():
    post = of({}, cor_g=lambda v: 0 * v - 1, sd_g=lambda v: 0 * v)
    diagnostics = post.diagnostics()
    assert diagnostics.table.loc["constants", "value"] == 3
    assert np.isfinite(diagnostics.table.loc["R-hat", "value"])
    assert "nan" not in str(diagnostics).lower()
    assert "nan" not in str(post.summary()).lower()
