"""New data in the image of a fit, and intervals from replicates: moments, rows, and R's `boot.ci`."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import bayeslmm as blm
from bayeslmm.design import build
from bayeslmm.errors import ArgumentError, DataError
from bayeslmm.likelihood.dense import Dense
from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.point import bootstrap_intervals as intervals
from bayeslmm.point.resample import cases, clusters, parametric, reflated, residual, stretched

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "bootstrap" / "intervals.json").read_text())


@pytest.fixture(scope="module")
def fit():
    rng = np.random.default_rng(3)
    data = blm.datasets.load("sleepstudy").assign(w=rng.uniform(0.5, 2, 180), o=rng.normal(size=180) * 100)
    data["Reaction"] += data["o"]
    return blm.lmer("Reaction ~ Days + (Days | Subject)", data, weights="w", offset="o")


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_intervals_equal_those_of_boot(level):
    r = REFERENCE[f"at_{level:g}"]
    draws, errors, t = np.array(REFERENCE["draws"]), np.array(REFERENCE["errors"]), REFERENCE["estimate"]
    a = float(intervals.acceleration(np.array(REFERENCE["left_out"])[:, None])[0])
    assert_allclose(intervals.percentile(draws, level), r["percentile"], rtol=1e-9)
    assert_allclose(intervals.basic(draws, t, level), r["basic"], rtol=1e-9)
    assert_allclose(intervals.bca(draws, t, a, level)[:2], r["bca"], rtol=1e-9)
    assert_allclose(intervals.studentised(draws, errors, t, REFERENCE["error"], level), r["studentised"], rtol=1e-9)


def test_clusters_without_a_value_do_not_count_in_the_acceleration():
    values = np.array(REFERENCE["left_out"])
    found = intervals.acceleration(np.column_stack([values, np.full(25, np.nan), np.full(25, 2.0)]))
    with_gap = intervals.acceleration(np.append(values, np.nan)[:, None])
    assert_allclose(found, [with_gap[0], 0.0, 0.0])


def test_quantiles_beyond_the_replicates_are_refused():
    with pytest.raises(ArgumentError, match=r"10 bootstrap replicates do not reach the quantile 0\.025"):
        intervals.percentile(np.arange(10.0), 0.95)
    # BCa's corrections may ask for them: the extreme replicate is the end, as in boot.ci
    assert intervals.bca(np.arange(99.0), 94.5, 0.0, 0.9)[1:] == (98.0, True)
    assert np.isnan(intervals.bca(np.arange(99.0), 200.0, 0.0, 0.9)[:2]).all()


@pytest.mark.parametrize("kind", ["parametric", "residual"])
def test_responses_have_the_fitted_mean_and_covariance(fit, kind):
    rng = np.random.default_rng(1)
    design, at, n = fit.design, fit.estimates, 4000
    pools = reflated(design, at)
    draw = {"parametric": lambda: parametric(design, at, rng), "residual": lambda: residual(design, at, pools, rng)}
    Y = np.array([draw[kind]() for _ in range(n)])
    V = at.sigma**2 * Dense.of(design).covariance(at.lambdas)
    mean = design.offset + design.X @ at.beta
    z = (Y.mean(axis=0) - mean) / np.sqrt(np.diag(V) / n)
    assert np.abs(z).max() < 4.5
    found = np.cov(Y[:, :20].T)
    # var of a sample covariance of normal numbers: (V_ij^2 + V_ii V_jj) / n; heavier tails of residuals get more
    error = np.sqrt((V[:20, :20] ** 2 + np.outer(np.diag(V)[:20], np.diag(V)[:20])) / n)
    assert (np.abs(found - V[:20, :20]) / error).max() < (4.5 if kind == "parametric" else 9)


def test_reflated_pools_have_the_estimated_variances(fit):
    errors, (modes,) = reflated(fit.design, fit.estimates)
    assert_allclose(modes.mean(axis=0), 0, atol=1e-10)
    assert_allclose(modes.T @ modes / 18, fit.estimates.covariances[0], rtol=1e-8)
    assert_allclose(errors @ errors / 180, fit.sigma**2, rtol=1e-10)


def test_a_singular_covariance_is_reached_as_far_as_its_rank_allows():
    rng = np.random.default_rng(1)
    direction = np.array([1.0, 1e-4])
    b = rng.normal(size=(9, 1)) * direction
    V = 4 * np.outer(direction, direction)
    found = stretched(b, V)
    assert_allclose(found.T @ found / 9, V, rtol=1e-6)
    assert_allclose(stretched(np.zeros((5, 2)), np.zeros((2, 2))), 0)


@pytest.mark.parametrize(
    ("formula", "name", "group"),
    [
        ("Reaction ~ Days + (Days | Subject)", "sleepstudy", "Subject"),
        ("strength ~ 1 + (1 | batch/cask)", "pastes", "batch"),
        ("strength ~ 1 + (1 | batch/cask)", "pastes", "cask:batch"),
        ("diameter ~ 1 + (1 | plate) + (1 | sample)", "penicillin", "plate"),
    ],
)
def test_cases_are_the_rows_of_the_levels_drawn_as_new_levels(formula, name, group):
    data = blm.datasets.load(name)
    design = build(formula, data)
    term = [t.group for t in design.terms].index(group)
    levels = np.random.default_rng(4).integers(design.terms[term].n_levels, size=design.terms[term].n_levels)
    drawn = cases(design, term, levels)
    rows = [np.flatnonzero(design.terms[term].index == level) for level in levels]
    frame = pd.concat(
        [
            data.iloc[r].assign(**{c: data[c].iloc[r].astype(str) + f"#{i}" for c in _renamed(group)})
            for i, r in enumerate(rows)
        ],
        ignore_index=True,
    )
    one, other = MarginalLikelihood.of(drawn), MarginalLikelihood.of(build(formula, frame))
    theta = np.random.default_rng(5).normal(size=one.covariance.m)
    assert [t.n_levels for t in drawn.terms] == [t.n_levels for t in build(formula, frame).terms]
    assert_allclose(one.criterion(theta), other.criterion(theta), rtol=1e-10)


def _renamed(group):
    return {"batch": ["batch"], "cask:batch": ["cask"], "Subject": ["Subject"], "plate": ["plate"]}[group]


def test_independent_levels_are_those_that_all_others_lie_in():
    assert clusters(build("strength ~ 1 + (1 | batch/cask)", blm.datasets.load("pastes"))) == 1
    assert clusters(build("diameter ~ 1 + (1 | plate) + (1 | sample)", blm.datasets.load("penicillin"))) is None


def test_cases_that_leave_columns_collinear_are_refused():
    design = build("score ~ Machine + (1 | Worker)", blm.datasets.load("machines"))
    by_machine = replace(
        design.terms[0], index=(design.X[:, 1] + 2 * design.X[:, 2]).astype(int), levels=("A", "B", "C")
    )
    with pytest.raises(DataError, match="collinear in the cases drawn"):
        cases(replace(design, terms=(by_machine,)), 0, [0, 0, 1])
