"""Refits with another response equal fits from the beginning; where the time went; work on threads."""

import numpy as np
import pytest

import bayeslmm as blm
from bayeslmm.errors import ArgumentError, DataError

MODELS = [
    ("Reaction ~ Days + (Days | Subject)", "sleepstudy"),
    ("diameter ~ 1 + (1 | plate) + (1 | sample)", "penicillin"),
    ("strength ~ 1 + (1 | batch/cask)", "pastes"),
]


@pytest.mark.parametrize(("formula", "name"), MODELS)
@pytest.mark.parametrize("engine", ["plain", "compiled"])
@pytest.mark.parametrize("reml", [True, False])
def test_a_refit_is_the_fit_of_the_new_response(formula, name, engine, reml, monkeypatch):
    monkeypatch.setenv("BAYESLMM_ENGINE", engine)
    data = blm.datasets.load(name)
    fit = blm.lmer(formula, data, reml=reml)
    y = fit.simulate(1, seed=3)["sim_1"].to_numpy()
    before = fit.criterion, fit.design.y.copy()
    again = fit.refit(y)
    fresh = blm.lmer(formula, data.assign(**{formula.split(" ~ ")[0]: y}), reml=reml)
    assert again.criterion == pytest.approx(fresh.criterion, abs=1e-8)
    np.testing.assert_allclose(again.fixef, fresh.fixef, rtol=1e-8)
    np.testing.assert_allclose(again.ranef()["estimate"], fresh.ranef()["estimate"], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(again.fitted, fresh.fitted, rtol=1e-6)
    assert (fit.criterion, fit.design.y.tolist()) == (before[0], before[1].tolist())
    assert blm.lmer(formula, data, reml=reml).refit(fit.design.y).criterion == pytest.approx(fit.criterion, abs=1e-9)


def test_a_refit_keeps_weights_offset_optimizer_and_rows():
    rng = np.random.default_rng(1)
    data = blm.datasets.load("sleepstudy").assign(w=rng.uniform(0.5, 2, 180), o=rng.normal(size=180))
    data.loc[[3, 50], "Days"] = np.nan
    fit = blm.lmer("Reaction ~ Days + (1 | Subject)", data, optimizer="bobyqa", weights="w", offset="o")
    y = fit.design.y + rng.normal(size=178)
    again = fit.refit(y)
    data.loc[data.index[fit.design.rows], "Reaction"] = y
    fresh = blm.lmer("Reaction ~ Days + (1 | Subject)", data, optimizer="bobyqa", weights="w", offset="o")
    assert again.criterion == pytest.approx(fresh.criterion, abs=1e-8)
    assert again.optimizer == fresh.optimizer


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        ([1.0, 2.0], ArgumentError, r"y has shape \(2,\); it must be \(180,\)"),
        (["a"] * 180, ArgumentError, "y must be 180 numbers"),
        (np.full(180, 3.0), DataError, "y is 3 in all 180 rows"),
        (np.r_[np.nan, np.arange(179)], DataError, "1 missing or infinite values, the first at position 0"),
    ],
    ids=["length", "text", "constant", "missing"],
)
def test_a_response_that_does_not_fit_gets_a_sentence(y, error, message):
    fit = blm.lmer("Reaction ~ Days + (1 | Subject)", blm.datasets.load("sleepstudy"))
    with pytest.raises(error, match=message):
        fit.refit(y)


def test_timings_name_the_stages_and_the_verbose_summary_shows_them():
    fit = blm.lmer("Reaction ~ Days + (Days | Subject)", blm.datasets.load("sleepstudy"))
    assert list(fit.timings.index) == ["frame", "cross-products", "optimise", "inference"]
    assert np.isnan(fit.timings["inference"])
    assert (fit.timings.iloc[:3] > 0).all()
    plain, verbose = str(fit.summary()), str(fit.summary(verbose=True))
    assert fit.timings["inference"] > 0
    assert verbose.startswith(plain)
    assert "certificate: largest gradient" in verbose
    assert "seconds: frame" in verbose


def test_threads_are_public():
    blm.set_threads(1)
    assert blm.threads() == 1
    blm.set_threads(None)
    assert blm.threads() >= 1
