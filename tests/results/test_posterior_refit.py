"""Rows and levels left out by sampling again, against fits of the data without them, and densities by hand."""

from functools import cache

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import logsumexp

import bayeslmm as blm
from bayeslmm.errors import ArgumentError
from bayeslmm.results.posterior_refit import Refitted, refit_bad, replaced
from tests.results.test_posterior_loo import with_priors

FORMULA = "salary ~ grade + (grade | major)"
# flat coefficients: the default priors are about the means of the columns, which change with the rows
PRIORS = {"beta": blm.Flat(), "Intercept": blm.Flat(), "sd": blm.HalfNormal(10), "sigma": blm.HalfNormal(10)}

pytestmark = pytest.mark.filterwarnings("ignore::bayeslmm.errors.SamplingWarning")


@cache
def post():
    return blm.brm(FORMULA, blm.datasets.load("salary"), priors=PRIORS, seed=1, progressbar=False)


def by_hand(out):
    """Log predictive density of rows (bool) from a run on the data without them, and its Monte Carlo error."""
    data = blm.datasets.load("salary")
    sub = blm.brm(FORMULA, data[~out], priors=PRIORS, seed=99, progressbar=False).draws
    term = sub.design.terms[0]
    rows, known = data[out], set(data[~out]["major"].astype(str))
    X = np.column_stack([np.ones(out.sum()), rows["grade"]])
    groups = rows["major"].astype(str).to_numpy()
    sd, corr, b = sub.sd(term), sub.corr(term), sub.b(term)
    mean, V = sub.beta @ X.T, sub.sigma[:, None, None] ** 2 * np.eye(len(X))
    for g in set(groups):
        at = np.flatnonzero(groups == g)
        if g in known:
            mean[:, at] += b[:, term.levels.index(g)] @ X[at].T
        else:
            root = X[at] * sd[:, None]
            V[:, at[:, None], at] += root @ corr @ np.swapaxes(root, 1, 2)
    e = (rows["salary"].to_numpy() - mean)[:, :, None]
    square = (e * np.linalg.solve(V, e)).sum(axis=(1, 2))
    log_p = -0.5 * (len(X) * np.log(2 * np.pi) + np.linalg.slogdet(V)[1] + square)
    p = np.exp(log_p - log_p.max())
    # draws of four chains, half as good as independent ones
    return logsumexp(log_p) - np.log(sub.size), p.std() / p.mean() / np.sqrt(sub.size / 2)


def every(loo):
    """The same result, as if all Pareto k were too large."""
    loo.elpd.good_k = -np.inf
    return loo


@pytest.mark.sampling
@pytest.mark.slow
def test_levels_are_left_out_as_by_hand():
    found = refit_bad(every(post().logo("major")), post().draws, post().priors, post()._without)
    major = blm.datasets.load("salary")["major"].astype(str).to_numpy()
    assert found.refitted == tuple("abcde")
    assert found.poorly_refitted == ()
    for level, elpd in found.pointwise["elpd"].items():
        expected, error = by_hand(major == level)
        assert abs(elpd - expected) < 4 * np.sqrt(2) * error, level
    assert_allclose(found.table.loc["elpd_logo", "estimate"], found.pointwise["elpd"].sum())
    assert_allclose(found.elpd.elpd_i.to_numpy(), found.pointwise["elpd"])


@pytest.mark.sampling
@pytest.mark.slow
def test_rows_are_left_out_as_by_hand():
    loo = post().loo()
    k = np.zeros(25)
    k[[2, 11]] = 2.0
    loo.pointwise["pareto_k"] = k
    found = refit_bad(loo, post().draws, post().priors, post()._without)
    assert found.refitted == (2, 11)
    for i in (2, 11):
        expected, error = by_hand(np.arange(25) == i)
        assert abs(found.pointwise["elpd"].iloc[i] - expected) < 4 * np.sqrt(2) * error
        assert 0 < found.pit[i] < 1
        # PSIS is good for these rows, so that its own answer is near
        assert abs(found.pit[i] - post().loo().pit[i]) < 0.05
    others = np.setdiff1d(np.arange(25), (2, 11))
    assert_allclose(found.pointwise["elpd"].iloc[others], post().loo().pointwise["elpd"].iloc[others])


@pytest.mark.sampling
@pytest.mark.slow
def test_bad_levels_are_refitted_and_it_is_said():
    sleep = blm.brm("Reaction ~ Days + (Days | Subject)", blm.datasets.load("sleepstudy"), seed=1, progressbar=False)
    plain, exact = sleep.logo("Subject"), sleep.logo("Subject", refit=True)
    bad = plain.pointwise.index[plain.pointwise["pareto_k"] > plain.elpd.good_k]
    assert len(bad) >= 1
    assert 'post.logo("Subject", refit=True) samples again' in str(plain)
    assert exact.refitted == tuple(bad)
    assert exact.ok
    assert f"Refitted: {len(bad)} of 18 levels" in str(exact)
    same = exact.pointwise.drop(index=bad)["elpd"]
    assert_allclose(same, plain.pointwise.drop(index=bad)["elpd"])
    again = sleep.logo("Subject", refit=True)
    assert_allclose(again.pointwise["elpd"], exact.pointwise["elpd"])


@pytest.mark.sampling
def test_nothing_is_refitted_where_nothing_is_bad():
    found = post().loo(refit=True)
    assert found.refitted == ()
    assert "Refitted: no rows" in str(found)
    assert "Refitted" not in str(post().loo())
    assert_allclose(found.table, post().loo().table)


def test_replaced_values_go_into_every_part():
    p = with_priors("y ~ x + (1 | g)")
    plain = p.loo()
    found = replaced(plain, {3: Refitted(plain.pointwise["elpd"].iloc[3] - 2.0, 0.25, False)})
    label = plain.pointwise.index[3]
    assert found.refitted == found.poorly_refitted == (label,)
    change = found.table["estimate"] - plain.table["estimate"]
    assert_allclose(change, [-2.0, 2.0, 4.0])
    values = found.pointwise["elpd"].to_numpy()
    assert_allclose(found.table.loc["elpd_loo", "se"], np.sqrt(values.size * values.var()))
    assert found.pit[3] == 0.25
    assert found.pointwise["pareto_k"].iloc[3] == 0
    assert plain.pointwise["elpd"].iloc[3] != values[3]
    assert f"The draws without these have faults: {label}" in str(found)


def test_the_conditional_one_is_not_refitted():
    with pytest.raises(ArgumentError, match="refit=True is for the exact one"):
        with_priors("y ~ x + (1 | g)").loo(conditional=True, refit=True)
