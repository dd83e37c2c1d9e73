"""Residuals of every kind, quantile residuals with their tests, and what the pictures show."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import bayeslmm as blm
from bayeslmm.errors import ArgumentError
from bayeslmm.likelihood.dense import Dense
from tests.compare.posteriors import SALARY, SLEEP, fitted
from tests.compare.test_pictures import fits_on_the_page


@pytest.fixture(scope="module")
def sleep() -> blm.Fit:
    return fitted(SLEEP, "sleepstudy")


def grouped(rng, errors, groups=12, size=10) -> pd.DataFrame:
    g, x = np.repeat(np.arange(groups), size), np.tile(np.arange(float(size)), groups)
    y = 1 + 0.5 * x + rng.normal(size=groups)[g] + errors
    return pd.DataFrame({"y": y, "x": x, "g": g, "w": rng.uniform(0.5, 2, g.size), "o": rng.normal(size=g.size)})


# -- residuals ----------------------------------------------------------------------------------------------------


def test_marginal_residuals_leave_the_random_effects_in():
    rng = np.random.default_rng(2)
    data = grouped(rng, rng.normal(size=120))
    fit = blm.lmer("y ~ x + (x || g)", data, weights="w", offset="o")
    raw = fit.residuals(of="marginal")
    assert_allclose(raw, data["y"] - fit.predict(re="none"))
    assert_allclose(fit.residuals("pearson", of="marginal"), raw * np.sqrt(data["w"]))
    V = fit.sigma**2 * Dense.of(fit.design).covariance(fit.estimates.lambdas)
    assert_allclose(fit.residuals("scaled", of="marginal"), raw / np.sqrt(np.diag(V)))
    assert_allclose(fit.residuals("scaled"), fit.residuals() * np.sqrt(data["w"]) / fit.sigma)


# -- quantile residuals -------------------------------------------------------------------------------------------


def test_heavy_tails_are_seen_and_an_outlier_counts(sleep):
    found = sleep.quantile_residuals(seed=1)
    assert found.n == 999
    assert found.tests.loc["uniformity", "p"] < 0.02  # three readings lie 4 to 5 sds off
    assert found.tests.loc["outliers", "statistic"] >= 2
    extreme = found.values[[7, 56, 59]]
    assert ((extreme < 0.005) | (extreme > 0.995)).all()
    assert "rows beyond all simulated values" in str(found)
    assert "999 simulations" in found._repr_html_()


def test_a_seed_gives_the_same_numbers(sleep):
    one, other = (sleep.quantile_residuals("marginal", n=199, seed=3) for _ in range(2))
    pd.testing.assert_frame_equal(one.tests, other.tests)
    pd.testing.assert_series_equal(one.values, other.values)
    assert (one.values != sleep.quantile_residuals("marginal", n=199, seed=4).values).any()


def test_quantile_residuals_keep_the_order_of_the_standardised_ones(sleep):
    u = sleep.quantile_residuals(seed=1).values.to_numpy()
    h = sleep.influence().table["leverage"].to_numpy()
    assert stats_spearman(u, sleep.residuals() / np.sqrt(1 - h)) > 0.99


def stats_spearman(a, b):
    return np.corrcoef(np.argsort(np.argsort(a)), np.argsort(np.argsort(b)))[0, 1]


@pytest.mark.parametrize("of", ["conditional", "marginal"])
def test_the_tests_have_their_size(of):
    """Data from a model, fitted anew: at most the nominal share of p-values is small."""
    rng, fit, small = np.random.default_rng(8), None, []
    for _ in range(150):
        data = grouped(rng, rng.normal(size=120))
        fit = fitted("y ~ x + (1 | g)", data) if fit is None else fit.refit(data["y"])
        small.append(fit.quantile_residuals(of, n=99, seed=rng).tests["p"] <= 0.1)
    share = np.mean(small, axis=0)
    assert (share < 0.1 + 3 * np.sqrt(0.09 / 150)).all(), share


def test_skewed_errors_are_found():
    rng = np.random.default_rng(4)
    fit = fitted("y ~ x + (1 | g)", grouped(rng, rng.exponential(size=120)))
    assert fit.quantile_residuals(seed=1).tests.loc["uniformity", "p"] < 0.01


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda f: f.residuals(of="both"), '"conditional" .random effects taken off. or "marginal"'),
        (lambda f: f.quantile_residuals("all"), '"conditional"'),
        (lambda f: f.quantile_residuals(n=10), "n=10 simulations are too few.*at least 99"),
        (lambda f: f.quantile_residuals(n=0), "at least 99"),
        (lambda f: f.quantile_residuals(n=1_000_000), "180,000,000 numbers.*take fewer simulations"),
        (lambda f: f.plot.qq(level=95), r"write level=0\.95"),
        (lambda f: f.plot.ranef_qq("Subjct"), "no grouping factor `Subjct`; did you mean `Subject`"),
        (lambda f: f.plot.residuals("all"), '"marginal"'),
    ],
)
def test_wrong_arguments_get_a_sentence(sleep, call, message):
    with pytest.raises(ArgumentError, match=message):
        call(sleep)


# -- pictures -----------------------------------------------------------------------------------------------------


def texts(ax) -> set[str]:
    return {t.get_text() for t in ax.texts}


@pytest.mark.parametrize("width", [7.0, 3.5])
def test_qq_plot_names_the_outlying_rows(sleep, width):
    ax = sleep.plot.qq(width=width)
    assert {"7", "56", "59"} <= texts(ax)
    assert "of 180" in ax.get_title(loc="left").replace("\n", " ")
    assert "(p = 0.00" in ax.get_title(loc="left").replace("\n", " ")
    assert sum(line.get_marker() == "o" and len(line.get_xdata()) for line in ax.lines) == 180
    assert fits_on_the_page(ax.figure)


@pytest.mark.parametrize("width", [7.0, 3.5])
def test_every_random_effect_has_a_panel(sleep, width):
    axes = sleep.plot.ranef_qq(width=width)
    titles = [ax.get_title(loc="left").replace("\n", " ") for ax in axes]
    assert [t.split(": 0 of 18")[0] for t in titles] == ["Subject: (Intercept)", "Subject: Days"]
    assert fits_on_the_page(axes[0].figure)


def test_an_outlying_level_is_named_and_an_effect_without_variance_said():
    rng = np.random.default_rng(1)
    data = grouped(rng, 0.5 * rng.normal(size=160), groups=40, size=4)
    data.loc[data["g"] == 7, "y"] += 14
    axes = fitted("y ~ x + (1 | g)", data).plot.ranef_qq("g")
    assert texts(axes[0]) == {"7"}
    zero = fitted("Yield ~ 1 + (1 | Batch)", "dyestuff2").plot.ranef_qq()
    assert texts(zero[0]) == {"no variance: nothing to show"}
    assert len(fitted(SALARY, "salary").plot.ranef_qq()) == 2


@pytest.mark.parametrize("width", [7.0, 3.5])
def test_residuals_and_quantile_residuals(sleep, width):
    ax = sleep.plot.residuals(width=width)
    assert texts(ax) == {"7", "56", "59"}
    assert ax.get_title(loc="left").replace("\n", " ") == "Scaled conditional residuals: 3 of 180 beyond 3"
    assert fits_on_the_page(ax.figure)
    axes = sleep.quantile_residuals(n=199, seed=1).plot(width)
    assert len(axes) == 2
    assert fits_on_the_page(axes[0].figure)


@pytest.mark.parametrize("width", [7.0, 3.5])
def test_influence_names_the_outlying_levels(sleep, width):
    data = blm.datasets.load("sleepstudy")
    shifted = data.assign(Reaction=data["Reaction"] + 30 * data["Days"] * (data["Subject"].astype(str) == "337"))
    axes = fitted(SLEEP, shifted).influence("Subject").plot(width)
    assert axes[0].get_yticklabels()[-1].get_text() == "337"
    assert texts(axes[1]) == {"337"}
    assert fits_on_the_page(axes[0].figure)
    rows = sleep.influence().plot(width)
    assert texts(rows[0]) == {"59", "130"}
    assert {"59", "130", "30"} >= texts(rows[1]) >= {"59"}
    assert fits_on_the_page(rows[0].figure)
