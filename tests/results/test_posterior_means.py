"""Means, comparisons and slopes of a posterior: the linear functions of the fit, over the draws."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import bayeslmm as blm
from bayeslmm.errors import ArgumentError
from tests.results.posterior_draws import case, frame


@pytest.fixture(scope="module")
def one():
    return case("y ~ x * f + (1 | g)", chains=2, draws=100)


def test_every_row_summarises_the_predictions_of_each_draw(one):
    found = one.post.means("f", at={"x": 3}).table
    rows = {"x": [3.0, 3.0, 3.0], "f": found["f"].tolist()}
    draws = one.post.predict(rows, re="none", draws=True)
    assert_allclose(found["estimate"], draws.mean(axis=0))
    assert_allclose(found["se"], draws.std(axis=0, ddof=1))
    assert_allclose(found[["lower", "upper"]].T, np.quantile(draws, [0.025, 0.975], axis=0))
    assert_allclose(found["p_positive"], (draws > 0).mean(axis=0))


@pytest.mark.filterwarnings("ignore::bayeslmm.errors.SingularFitWarning")
def test_the_same_functions_as_the_fit():
    data = frame()
    fit, post = blm.lmer("y ~ x * f + (1 | g)", data), case("y ~ x * f + (1 | g)", data).post
    beta = post.draws.beta
    for call in (
        lambda m: m.means(["f", "x"], at={"x": [1, 2]}),
        lambda m: m.contrasts("f", "trt.vs.ctrl", by="x", at={"x": [1, 2]}),
        lambda m: m.slopes("x", by="f", weights="proportional"),
    ):
        ours, theirs = call(post), call(fit)
        assert_allclose(ours.functions.L, theirs.functions.L)
        assert ours.table.iloc[:, 0].tolist() == theirs.table.iloc[:, 0].tolist()
        assert_allclose(ours.table["estimate"], (beta @ theirs.functions.L.T).mean(axis=0))
        assert_allclose(theirs.table["estimate"], theirs.functions.L @ fit.fixef)
    assert "posterior means and sds; 0.9 equal-tailed intervals" in str(post.means("f", level=0.9))


def test_contrasts_of_coefficients(one):
    names = list(one.design.coef_names)
    found = one.post.contrast({"doubled": f"2 * x - {names[2]} = 1"}).table.iloc[0]
    draws = 2 * one.beta[:, names.index("x")] - one.beta[:, 2] - 1
    assert found["contrast"] == "doubled"
    assert_allclose([found["estimate"], found["p_positive"]], [draws.mean(), (draws > 0).mean()])


def test_bad_requests_get_a_sentence(one):
    with pytest.raises(ArgumentError, match="no predictor `ff`"):
        one.post.means("ff")
    with pytest.raises(ArgumentError, match=r"write level=0\.95"):
        one.post.contrasts("f", level=95)
    with pytest.raises(ArgumentError, match="no coefficient `q`"):
        one.post.contrast("q = 0")
