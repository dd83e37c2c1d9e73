"""Intervals of predictions: against dense arithmetic, against the tests of the coefficients, and by simulation."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayeslmm as blm
from bayeslmm.errors import ArgumentError, DataError
from bayeslmm.likelihood.dense import Dense
from tests.compare.posteriors import SLEEP, fitted

FORMULAS = {
    "slopes": "y ~ x + (x | g)",
    "apart": "y ~ x + (x || g)",
    "crossed": "y ~ x + (x | g) + (1 | h)",
    "nested": "y ~ x + (1 | g) + (x | g:h)",
    "weighted": "y ~ x + (1 | g) + (x | h)",
}


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    rng = np.random.default_rng(21)
    g, h = np.repeat(np.arange(8), 15), np.tile(np.arange(5), 24)
    x = rng.normal(2, 1, 120)
    b = rng.normal(size=(8, 2)) * [1.0, 0.6]
    inner = rng.normal(0, 0.8, (8, 5))
    y = 1 + 0.5 * x + b[g, 0] + b[g, 1] * x + inner[g, h] + rng.normal(0, 0.6, 5)[h] + rng.normal(0, 0.7, 120)
    return pd.DataFrame({"y": y, "x": x, "g": g, "h": h, "w": rng.uniform(0.4, 2, 120)})


@pytest.fixture(scope="module")
def sleep() -> blm.Fit:
    return fitted(SLEEP, "sleepstudy")


def make(name, data) -> blm.Fit:
    return fitted(FORMULAS[name], data, **({"weights": "w"} if name == "weighted" else {}))


def dense_variance(fit, x, z):
    """Var of x'(beta_hat - beta) + z'(b_hat - b) for rows x (m, p), z (m, q): marginal moments, no Henderson."""
    dense = Dense.of(fit.design)
    lambdas = fit.estimates.lambdas
    V_inv = np.linalg.inv(dense.covariance(lambdas))
    G = dense.big_lambda(lambdas) @ dense.big_lambda(lambdas).T
    X, Z = dense.X, dense.Z
    C = np.linalg.inv(X.T @ V_inv @ X)
    # eta_hat = a'y with a' = d'C X'V^-1 + z'G Z'V^-1, d = x - X'V^-1 Z G z; its error has a closed variance
    d = x - z @ G @ Z.T @ V_inv @ X
    left = z @ (G - G @ Z.T @ V_inv @ Z @ G)
    return fit.sigma**2 * (np.einsum("mi,ij,mj->m", d, C, d) + np.einsum("mi,mi->m", left, z))


@pytest.mark.parametrize("name", FORMULAS)
def test_known_levels_against_dense_arithmetic(data, name):
    fit = make(name, data)
    expected = dense_variance(fit, fit.design.X, Dense.of(fit.design).Z)
    for rows in (None, data):
        found = fit.predict(rows, interval="confidence")
        np.testing.assert_allclose(found["se"], np.sqrt(expected), rtol=1e-7)
        np.testing.assert_allclose(found["estimate"], fit.fitted)
        observed = fit.predict(rows, interval="prediction")
        np.testing.assert_allclose(observed["se"] ** 2, expected + fit.sigma**2 / fit.design.weights, rtol=1e-7)


def test_levels_that_never_met(data):
    """A new pair of known levels: the covariance between both effects counts although no row shows it."""
    part = data[data["g"] != data["h"]]
    fit = fitted("y ~ x + (x | g) + (1 | h)", part)
    new = pd.DataFrame({"x": [0.5, 3.0], "g": [1, 4], "h": [1, 4]})
    dense, x = Dense.of(fit.design), np.column_stack([np.ones(2), new["x"]])
    z, at = np.zeros((2, dense.Z.shape[1])), 0
    for term in fit.design.terms:
        for level in term.levels:
            rows = (new[term.group].astype(str) == level).to_numpy()
            z[rows, at : at + term.k] = x[rows, : term.k]
            at += term.k
    found = fit.predict(new, interval="confidence")
    np.testing.assert_allclose(found["se"], np.sqrt(dense_variance(fit, x, z)), rtol=1e-7)


def test_the_populations_value_is_a_contrast_of_the_coefficients(sleep):
    new = pd.DataFrame({"Days": [0.0, 1.0, 9.0]})
    found = sleep.predict(new, re="none", interval="confidence", level=0.9)
    x = np.column_stack([np.ones(3), new["Days"]])
    np.testing.assert_allclose(found["se"], np.sqrt(np.einsum("mi,ij,mj->m", x, sleep.vcov, x)), rtol=1e-8)
    np.testing.assert_allclose(found["df"], sleep._inference("satterthwaite").df(x), rtol=1e-5)
    half = stats.t.ppf(0.95, found["df"]) * found["se"]
    np.testing.assert_allclose(found["upper"] - found["estimate"], half)
    np.testing.assert_allclose(found["estimate"] - found["lower"], half)


def test_new_levels_vary_with_their_full_variance(sleep):
    new = pd.DataFrame({"Days": [2.0, 7.0], "Subject": ["x", "y"]}, index=["u", "v"])
    found = sleep.predict(new, new_levels="population", interval="confidence")
    x = np.column_stack([np.ones(2), new["Days"]])
    total = sleep.vcov.to_numpy() + sleep.estimates.covariances[0]
    np.testing.assert_allclose(found["se"] ** 2, np.einsum("mi,ij,mj->m", x, total, x), rtol=1e-8)
    assert list(found.index) == ["u", "v"]
    # an observation comes from some subject, named or not
    nobody = sleep.predict(new[["Days"]], re="none", interval="prediction")
    somebody = sleep.predict(new, new_levels="population", interval="prediction")
    pd.testing.assert_frame_equal(nobody, somebody)
    np.testing.assert_allclose(nobody["se"] ** 2, found["se"] ** 2 + sleep.sigma**2, rtol=1e-8)


def test_the_mean_of_a_balanced_layout_in_closed_form():
    """Mean of J groups of n, one-way: Var = MS_between / (J n) with J - 1 df; a new group adds its variance."""
    fit = fitted("Yield ~ 1 + (1 | Batch)", "dyestuff")
    new = pd.DataFrame({"Batch": ["new"]})
    mean = fit.predict(new, re="none", interval="confidence").iloc[0]
    between = 5 * blm.datasets.load("dyestuff").groupby("Batch", observed=True)["Yield"].mean().var(ddof=1)
    assert mean["se"] == pytest.approx(np.sqrt(between / 30))
    assert mean["df"] == pytest.approx(5, rel=1e-5)
    variance = fit.varcorr["vcov"].iloc[0]
    other = fit.predict(new, new_levels="population", interval="confidence").iloc[0]
    assert other["se"] == pytest.approx(np.sqrt(between / 30 + variance))


def test_singular_fits_have_intervals_too():
    fit = fitted("Yield ~ 1 + (1 | Batch)", "dyestuff2")
    assert fit.is_singular
    found = fit.predict(interval="confidence")
    np.testing.assert_allclose(found["se"], fit.bse.iloc[0], rtol=1e-8)
    np.testing.assert_allclose(found["df"], 29, rtol=1e-5)


def test_weights_of_new_rows_are_read_where_they_are(data):
    fit = make("weighted", data)
    without = fit.predict(data.drop(columns="w"), interval="prediction")
    mean = fit.predict(interval="confidence")
    np.testing.assert_allclose(without["se"] ** 2, mean["se"] ** 2 + fit.sigma**2, rtol=1e-8)
    with pytest.raises(DataError, match="weights in `w` of the new data must be positive"):
        fit.predict(data.assign(w=0.0), interval="prediction")


def test_degrees_of_freedom_by_name(sleep):
    normal = sleep.predict(interval="confidence", ddf="asymptotic", level=0.9)
    assert np.isinf(normal["df"]).all()
    np.testing.assert_allclose(normal["upper"], normal["estimate"] + stats.norm.ppf(0.95) * normal["se"])
    assert (sleep.predict(interval="confidence", ddf="residual")["df"] == 178).all()


def test_missing_values_have_no_interval(sleep):
    new = pd.DataFrame({"Days": [1.0, np.nan, 1.0], "Subject": ["308", "308", None]})
    found = sleep.predict(new, interval="prediction")
    assert found.isna().all(axis=1).tolist() == [False, True, True]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"interval": "both"}, ArgumentError, '"confidence" .for the mean of a row. or "prediction"'),
        ({"interval": "confidence", "level": 95}, ArgumentError, r"for 95 % write level=0\.95"),
        ({"interval": "confidence", "ddf": "welch"}, ArgumentError, "satterthwaite, residual, asymptotic"),
        ({"interval": "confidence", "re": "Subjct"}, ArgumentError, "did you mean `Subject`"),
        ({"interval": "prediction", "newdata": {"Days": [1], "Subject": ["x"]}}, DataError, "`Subject` has levels"),
    ],
)
def test_wrong_arguments_get_a_sentence(sleep, options, error, message):
    with pytest.raises(error, match=message):
        sleep.predict(**options)


def test_observations_need_the_columns_left_of_the_bars(data):
    fit = fitted("y ~ 1 + (x | g)", data)
    assert fit.predict({"g": [1]}, re="none", interval="confidence").shape == (1, 5)
    with pytest.raises(DataError, match="the new data have no column `x`"):
        fit.predict({"g": [1]}, re="none", interval="prediction")


@pytest.mark.slow
def test_coverage_by_simulation():
    """Means and observations of known and new groups are covered as often as they say, with 10 groups of 6."""
    rng = np.random.default_rng(61)
    g, x = np.repeat(np.arange(10), 6), np.tile(np.arange(6.0), 10)
    new = pd.DataFrame({"x": [1.0, 7.0, 1.0, 7.0], "g": ["0", "3", "a", "b"]})
    model, runs = None, 600
    hits = {"confidence": np.zeros(4), "prediction": np.zeros(4)}
    for _ in range(runs):
        b = rng.normal(size=(12, 2)) * [1.0, 0.4]
        y = 2 + 0.3 * x + b[g, 0] + b[g, 1] * x + rng.normal(size=60)
        if model is None:
            model = fitted("y ~ x + (x || g)", pd.DataFrame({"y": y, "x": x, "g": g}))
        fit = quietly(model, y)
        who = np.array([0, 3, 10, 11])
        mean = 2 + b[who, 0] + (0.3 + b[who, 1]) * new["x"]
        truth = {"confidence": mean, "prediction": mean + rng.normal(size=4)}
        for kind, count in hits.items():
            found = fit.predict(new, new_levels="population", interval=kind)
            count += (found["lower"] < truth[kind]) & (truth[kind] < found["upper"])
    # Monte Carlo error of 600 runs: 0.9 points; theta estimated from ten groups costs one or two points
    for kind, count in hits.items():
        assert (np.abs(count / runs - 0.95) < 0.035).all(), (kind, count / runs)


def quietly(fit, y):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return fit.refit(y)
