"""Default runs against reference posteriors, which were made without PyMC: see `tests/reference/posterior`."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from arviz_stats.base import array_stats

import bayeslmm as blm
from bayeslmm.results.posterior import Posterior
from bayeslmm.results.posterior_diagnostics import parameters

HOME = Path(__file__).parents[1] / "reference" / "posterior"
NAMES = ("salary", "sleepstudy")
QUANTILES = {"q025": 0.025, "q500": 0.5, "q975": 0.975}
AXES = {"chain_axis": 0, "draw_axis": 1}
pytestmark = [pytest.mark.sampling, pytest.mark.slow]


@cache
def reference(name: str) -> dict:
    return json.loads((HOME / f"{name}.json").read_text())


@pytest.fixture(scope="module", params=NAMES)
def run(request) -> tuple[dict, Posterior]:
    expected = reference(request.param)
    return expected, blm.brm(expected["formula"], blm.datasets.load(request.param), seed=20)


def draws_of(post: Posterior) -> dict[str, np.ndarray]:
    """Draws (chain, draw) under the names of the reference."""
    g = post.design.terms[0].group
    names, values = parameters(post.draws)
    p = post.design.p
    names = [
        f"beta {n}" if i < p else n.replace(f" {g}", "").replace("(", "").replace(")", "") for i, n in enumerate(names)
    ]
    return {name: values[:, :, i] for i, name in enumerate(names)}


def estimates(v: np.ndarray) -> dict[str, tuple[float, float]]:
    """Value and Monte Carlo standard error of each summary."""
    out = {"mean": (v.mean(), array_stats.mcse(v, method="mean", **AXES))}
    out["sd"] = (v.std(), array_stats.mcse(v, method="sd", **AXES))
    for name, p in QUANTILES.items():
        out[name] = (np.quantile(v, p), array_stats.mcse(v, method="quantile", prob=p, **AXES))
    return out


def test_the_run_can_be_trusted(run):
    _, post = run
    assert post.diagnostics().ok
    assert int(post.data["sample_stats"]["diverging"].sum()) == 0
    assert post.diagnostics().table.loc["ESS bulk", "value"] > 400


def test_summaries_are_within_monte_carlo_error_of_the_reference(run):
    expected, post = run
    draws = draws_of(post)
    assert set(draws) == set(expected["parameters"])
    scores = {}
    for name, values in expected["parameters"].items():
        for key, (value, error) in estimates(draws[name]).items():
            scores[name, key] = (value - values[key]) / np.hypot(error, values[f"{key}_se"])
    # 30 numbers: the largest of so many normal scores is above 4 once in 500 runs
    assert max(map(abs, scores.values())) < 4, scores
    means = [scores[name, "mean"] for name in expected["parameters"]]
    assert np.sqrt(np.mean(np.square(means))) < 2, means


@pytest.mark.parametrize("name", NAMES)
def test_the_reference_is_precise(name):
    for values in reference(name)["parameters"].values():
        assert values["mean_se"] < 0.01 * values["sd"]
    assert reference(name)["pareto_k"] < 0.7
