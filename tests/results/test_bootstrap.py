"""The bootstrap: what it returns, seeds and workers, failures, its agreement with what is known."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import bayeslmm as blm
from bayeslmm.errors import ArgumentError, DataError


@pytest.fixture(scope="module")
def fit():
    return blm.lmer("Reaction ~ Days + (Days | Subject)", blm.datasets.load("sleepstudy"))


@pytest.fixture(scope="module")
def boot(fit):
    return fit.bootstrap(n=500, seed=1, workers=1)


@pytest.mark.parametrize("resample", ["parametric", "residual", "cases"])
def test_the_same_seed_gives_the_same_result_for_any_number_of_workers(fit, resample):
    fit.bootstrap(n=5, seed=2)  # whatever is loaded once, is
    one, three = (fit.bootstrap(n=20, resample=resample, seed=7, workers=w) for w in (1, 3))
    pd.testing.assert_frame_equal(one.draws, three.draws, rtol=1e-10)
    other = fit.bootstrap(n=20, resample=resample, seed=8, workers=1)
    assert not np.allclose(one.draws, other.draws)


def test_a_refit_is_that_of_the_simulated_response(fit):
    from bayeslmm.point.resample import parametric

    seeds = np.random.SeedSequence(5).spawn(3)
    found = fit.bootstrap(n=3, seed=5)
    for row, seed in zip(found.draws.to_numpy(), seeds, strict=True):
        y = parametric(fit.design, fit.estimates, np.random.default_rng(seed))
        again = fit.refit(y)
        assert_allclose(row[-2:], again.fixef, rtol=1e-8)
        assert_allclose(row[3], again.sigma, rtol=1e-7)


def test_standard_errors_are_those_of_the_theory(fit, boot):
    # the parametric bootstrap's se of a fixed effect is sqrt of the diagonal of vcov; 500 refits know it to 3 %
    assert_allclose(boot.se[["(Intercept)", "Days"]], fit.bse, rtol=0.13)
    assert (boot.bias[["(Intercept)", "Days"]].abs() < 4 * fit.bse / np.sqrt(500)).all()
    assert list(boot.estimate.index) == list(fit.profile(level=0.5).names)


@pytest.mark.parametrize("kind", ["percentile", "basic", "bca", "studentised"])
def test_intervals_of_a_fixed_effect_are_near_the_others(fit, boot, kind):
    found = boot.only(["Days"]).confint(kind=kind).loc["Days"]
    assert_allclose(found, fit.confint("profile", parm="Days").loc["Days"], atol=0.6)


def test_a_bca_interval_that_ends_at_an_extreme_replicate_says_so(fit):
    found = fit.bootstrap(lambda f: f.sigma, n=60, seed=1)
    with pytest.warns(blm.errors.BayeslmmWarning, match="ends at the most extreme of 60 replicates"):
        found.confint(0.999, "bca")


def test_confint_hands_its_options_on(fit):
    direct = fit.bootstrap(n=99, seed=3, resample="residual").confint(0.9, "basic").loc[["sigma", "Days"]]
    pd.testing.assert_frame_equal(
        fit.confint("boot", 0.9, ["sigma", "Days"], n=99, seed=3, resample="residual", kind="basic"), direct
    )
    assert list(fit.confint("boot", n=99, seed=3, kind="studentised").index) == ["(Intercept)", "Days"]


def test_any_function_of_a_fit_can_be_bootstrapped(fit):
    found = fit.bootstrap(lambda f: f.icc(), n=99, seed=1)
    assert found.estimate.to_dict() == {"t": fit.icc()}
    assert found.confint().shape == (1, 2)
    named = fit.bootstrap(lambda f: f.fixef, n=3, seed=1, standard_error=lambda f: f.bse)
    assert list(named.draws) == ["(Intercept)", "Days"]
    assert_allclose(named.error, fit.bse)
    assert np.isfinite(named.errors.to_numpy()).all()


def test_leaving_out_a_cluster_is_a_fit_without_it(fit):
    found = fit.bootstrap(lambda f: f.fixef, n=2, seed=1)
    data = blm.datasets.load("sleepstudy")
    first = data["Subject"].iloc[0]
    without = blm.lmer("Reaction ~ Days + (Days | Subject)", data[data["Subject"] != first])
    assert_allclose(found.left_out()[0], without.fixef, rtol=1e-7)
    crossed = blm.lmer("diameter ~ 1 + (1 | plate) + (1 | sample)", blm.datasets.load("penicillin"))
    assert crossed.bootstrap(n=2, seed=1).left_out() is None


def test_failed_and_singular_refits_are_counted_and_said(fit):
    calls = []

    def touchy(f):
        calls.append(1)
        if len(calls) % 4 == 0:
            raise DataError("every fourth fails")
        return f.sigma

    found = fit.bootstrap(touchy, n=20, seed=1, workers=1)
    assert (found.n_failed, len(found.draws)) == (5, 15)
    assert "5 of 20 refits failed: every fourth fails" in repr(found)
    flat = blm.lmer("Yield ~ 1 + (1 | Batch)", blm.datasets.load("dyestuff"))
    many = flat.bootstrap(n=200, seed=1)
    zeros = int((many.draws["sd_(Intercept)|Batch"] < 1e-6).sum())
    assert many.n_singular == zeros > 0
    assert f"{zeros} of 200 on the boundary" in repr(many)


def test_all_failing_is_an_error(fit):
    state = {"first": True}

    def failing(f):
        if state.pop("first", False):
            return 1.0
        raise DataError("no")

    with pytest.raises(ArgumentError, match="all 3 refits failed; the first because: no"):
        fit.bootstrap(failing, n=3, seed=1)


def test_weights_offset_and_ml_are_kept():
    rng = np.random.default_rng(1)
    data = blm.datasets.load("sleepstudy").assign(w=rng.uniform(0.2, 3, 180), o=1e3 * rng.normal(size=180))
    data["Reaction"] += data["o"]
    fit = blm.lmer("Reaction ~ Days + (1 | Subject)", data, weights="w", offset="o", reml=False)
    for resample in ("parametric", "residual", "cases"):
        found = fit.bootstrap(n=60, seed=1, resample=resample)
        assert (found.bias[["(Intercept)", "Days"]].abs() < 5 * found.se[["(Intercept)", "Days"]] / np.sqrt(60)).all()
        assert abs(found.draws["sigma"].median() / fit.sigma - 1) < 0.1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda f: f.bootstrap(n=0), "n=0 must be a whole number, at least 1"),
        (lambda f: f.bootstrap(n=2, workers=0), "workers=0 must be a whole number"),
        (lambda f: f.bootstrap(n=2, resample="case"), 'resample="case" is not known.*did you mean `cases`'),
        (lambda f: f.bootstrap(n=2, by="Subject"), 'resample="cases" only'),
        (lambda f: f.bootstrap(n=2, resample="cases", by="subject"), "no grouping factor `subject`.*`Subject`"),
        (lambda f: f.bootstrap(n=2, seed=-1), "seed=-1 must be a whole number"),
        (lambda f: f.bootstrap("sigma", n=2), "must be a function of a fit"),
        (lambda f: f.bootstrap(lambda g: "a", n=2), "must return a number"),
        (lambda f: f.bootstrap(lambda g: np.eye(2), n=2), "one dimension"),
        (lambda f: f.bootstrap(n=2, standard_error=lambda g: 1.0), "belongs to a statistic"),
        (
            lambda f: f.bootstrap(lambda g: 1.0, n=2, standard_error=lambda g: [1.0, 2.0]),
            "2 numbers for a statistic of 1",
        ),
        (lambda f: f.bootstrap(n=2, seed=1).confint(), "do not reach the quantile 0.025"),
        (lambda f: f.bootstrap(n=2, seed=1).confint(level=95), "write level=0.95"),
        (lambda f: f.bootstrap(n=2, seed=1).confint(kind="bcaa"), "did you mean `bca`"),
        (lambda f: f.bootstrap(n=2, seed=1).confint(kind="studentised"), "needs a standard error"),
        (lambda f: f.confint("boot", m=100), "no option `m`"),
        (lambda f: f.confint("boot", kind="normal"), 'kind="normal" is not known'),
    ],
)
def test_bad_requests_get_a_sentence(fit, call, message):
    with pytest.raises(ArgumentError, match=message):
        call(fit)


def test_crossed_factors_have_no_cases_of_their_own():
    fit = blm.lmer("diameter ~ 1 + (1 | plate) + (1 | sample)", blm.datasets.load("penicillin"))
    with pytest.raises(ArgumentError, match='cross, so that none are independent; say which to draw, by="plate"'):
        fit.bootstrap(n=2, resample="cases")
    assert len(fit.bootstrap(n=2, resample="cases", by="plate", seed=1).draws) == 2
