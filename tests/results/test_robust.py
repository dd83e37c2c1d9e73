"""Robust errors of `blm.lm` against R (sandwich, clubSandwich), and the wild bootstrap against refitting."""

import json
from functools import cache
from itertools import product

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import bayeslmm as blm
from bayeslmm.errors import ArgumentError, DataError
from bayeslmm.point.wild import POINTS
from bayeslmm.results.linear_fit import LinearFit
from tests.reference_cases import HOME, case_names, load_case, load_frame

CASES = case_names("ols_cluster")
KINDS = ("HC0", "HC1", "HC2", "HC3")
KIND_NAMES = json.loads((HOME / "linear" / "linear.json").read_text())["kinds"]
CLUB = json.loads((HOME / "alternatives" / "club_sandwich.json").read_text())


@cache
def fitted(name: str) -> LinearFit:
    case = load_case(name)
    return blm.lm(case["formula"], load_frame(case), cluster=case["cluster"]["column"])


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("adjust", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_clustered_errors_are_those_of_sandwich(name, kind, adjust):
    expected = load_case(name)["cluster"]["vcov_types"][kind if adjust else f"{kind}_no_cadjust"]
    found = fitted(name).robust(kind, adjust=adjust, df="residual")
    assert list(found.table.index) == load_case(name)["cluster"]["names"]
    assert_allclose(found.vcov, expected["vcov"], rtol=1e-8, atol=1e-10)
    for column, key in (("se", "se"), ("t", "t"), ("p", "p_resid_df")):
        assert_allclose(found.table[column], expected[key], rtol=1e-7, err_msg=column)
    by_clusters = fitted(name).robust(kind, adjust=adjust, df="clusters").table
    assert_allclose(by_clusters["p"], expected["p_g_minus_1"], rtol=1e-7)


def club(name: str):
    """The fit whose errors clubSandwich gave, and the kind."""
    salary, sleep = blm.datasets.load("salary"), blm.datasets.load("sleepstudy")
    sleep = sleep.assign(w=1.0 + np.arange(1, 181) % 3)
    match name:
        case "salary" | "salary_cr3" | "salary_cr0":
            return blm.lm("salary ~ grade", salary, cluster="major")
        case "salary_major":
            return blm.lm("salary ~ grade + major", salary, cluster="major")
        case "chick":
            return fitted("olsc_chick")
    return blm.lm("Reaction ~ Days", sleep, cluster="Subject", weights="w")


@pytest.mark.parametrize("name", list(CLUB))
def test_satterthwaite_tests_are_those_of_club_sandwich(name):
    kind = {"salary_cr3": "HC3", "salary_cr0": "HC0"}.get(name, "HC2")
    found = club(name).robust(kind, adjust=kind != "HC0", df="satterthwaite").table
    assert_allclose(found["se"], CLUB[name]["se"], rtol=1e-7)
    assert_allclose(found["df"], CLUB[name]["df"], rtol=1e-7)
    assert_allclose(found["p"], CLUB[name]["p"], rtol=1e-6)


@pytest.mark.parametrize(("kind", "expected"), KIND_NAMES.items())
def test_names_of_club_sandwich_are_its_kinds(kind, expected):
    found = club("salary").robust(kind)
    assert_allclose(found.vcov, expected, rtol=1e-9)
    assert f"(5 clusters; {kind}" in str(found)


def test_the_kinds_of_clusters_are_for_clusters():
    rows = blm.lm("salary ~ grade", blm.datasets.load("salary"))
    with pytest.raises(ArgumentError, match='kind="CR2" is for clusters'):
        rows.robust("CR2")
    with pytest.raises(ArgumentError, match="leave adjust out"):
        club("salary").robust("CR1", adjust=False)
    with pytest.raises(ArgumentError, match="HC0, HC1, HC2, HC3, or for clusters CR0, CR1, CR1S, CR2, CR3"):
        club("salary").robust("CR4")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weighted", [False, True])
def test_errors_by_row_by_the_formula(kind, weighted):
    data = blm.datasets.load("salary").assign(w=np.arange(1.0, 26.0))
    fit = blm.lm("salary ~ grade", data, weights="w" if weighted else None)
    root = np.sqrt(data["w"].to_numpy()) if weighted else np.ones(25)
    X, e = fit.design.X * root[:, None], fit.residuals() * root
    Q = np.linalg.inv(X.T @ X)
    h = np.einsum("ij,jk,ik->i", X, Q, X)
    meat = {"HC0": e**2, "HC1": e**2 * 25 / 23, "HC2": e**2 / (1 - h), "HC3": e**2 / (1 - h) ** 2}[kind]
    assert_allclose(fit.robust(kind).vcov, Q @ (X.T * meat) @ X @ Q, rtol=1e-9)


def test_cr2_is_unbiased_where_errors_are_independent():
    """V is quadratic in y, so that its expectation is its sum over responses that each have one error."""
    data = blm.datasets.load("salary").assign(w=np.arange(1.0, 26.0))
    fit = blm.lm("salary ~ grade", data, cluster="major", weights="w")
    total = np.zeros((2, 2))
    for i in range(25):
        y = np.where(np.arange(25) == i, 1 / np.sqrt(data["w"]), 0.0)
        total += blm.lm("y ~ grade", data.assign(y=y), cluster="major", weights="w").vcov
    W = np.diag(data["w"])
    assert_allclose(total, np.linalg.inv(fit.design.X.T @ W @ fit.design.X), rtol=1e-9, atol=1e-15)


def test_one_row_a_cluster_is_by_row():
    data = blm.datasets.load("salary")
    clustered = blm.lm("salary ~ grade", data, cluster=np.arange(25))
    for kind in ("HC2", "HC3"):
        by_row = blm.lm("salary ~ grade", data).robust(kind).vcov
        assert_allclose(clustered.robust(kind).vcov, by_row, rtol=1e-9)


def test_a_fit_with_clusters_has_their_errors_everywhere():
    fit = fitted("olsc_salary")
    table = fit.robust("HC2").table
    pd.testing.assert_frame_equal(fit.tests(), table[["estimate", "se", "df", "t", "p"]])
    assert_allclose(fit.bse, table["se"])
    assert_allclose(np.sqrt(np.diag(fit.vcov)), table["se"])
    assert_allclose(fit.confint(), table[["lower", "upper"]])
    narrow = fit.confint(0.5)
    assert (narrow["lower"] > table["lower"]).all()
    text = fit.summary()
    assert "Standard errors clustered by major (5 clusters; CR2, Bell & McCaffrey), Satterthwaite" in text
    assert "3.677  3.106  -0.994" in text
    assert "F-statistic: 0.9871 on 1 and 3.106 DF, p-value: 0.3914" in text  # (-0.994)^2 and its p


def test_what_one_cluster_decides_alone_has_no_error():
    data = blm.datasets.load("salary")
    fit = blm.lm("salary ~ grade * major", data, cluster="major")
    table = fit.tests()
    assert table.loc[["(Intercept)", "grade"], ["se", "df", "t", "p"]].isna().all(axis=None)
    assert "no robust error where one cluster decides a coefficient alone: (Intercept), grade" in str(fit.robust())
    assert "No robust error where one cluster decides" in fit.summary()
    assert fit.wild_bootstrap("grade").table.loc["grade", ["se", "t", "p", "lower"]].isna().all()


def test_clusters_can_be_arrays_or_combinations():
    data = blm.datasets.load("pastes")
    joined = data["batch"].astype(str) + "/" + data["cask"].astype(str)
    fits = [blm.lm("strength ~ cask", data, cluster=c) for c in ("batch:cask", joined, joined.to_numpy())]
    assert [f.clusters.count for f in fits] == [30, 30, 30]
    assert_allclose(fits[0].vcov, fits[1].vcov)
    assert_allclose(fits[0].vcov, fits[2].vcov)
    assert fits[0].clusters.name == "batch:cask"


def test_rows_left_out_are_left_out_of_the_clusters():
    data = blm.datasets.load("salary")
    data.loc[3, "salary"] = np.nan
    whole = blm.lm("salary ~ grade", data, cluster="major")
    without = blm.lm("salary ~ grade", data.drop(index=3), cluster="major")
    assert_allclose(whole.vcov, without.vcov)


# -- wild bootstrap ------------------------------------------------------------------------------------------------


def refitted(fit, name, v, null=0.0):
    """|t| of the data and of every sample, each by a regression of its own."""
    X, y, k = fit.design.X, fit.design.y, list(fit.design.coef_names).index(name)
    index, G, (n, p) = fit.clusters.index, fit.clusters.count, X.shape
    Q = np.linalg.inv(X.T @ X)

    def t(y):
        beta = Q @ X.T @ y
        e = y - X @ beta
        S = np.array([X[index == g].T @ e[index == g] for g in range(G)])
        V = Q @ S.T @ S @ Q * G / (G - 1) * (n - 1) / (n - p)
        return abs(beta[k] - null) / np.sqrt(V[k, k])

    others = np.delete(X, k, axis=1)
    centre = others @ np.linalg.lstsq(others, y - null * X[:, k])[0] + null * X[:, k]
    return t(y), np.array([t(centre + (y - centre) * s[index]) for s in v])


@pytest.mark.parametrize("null", [0.0, 4.0])
@pytest.mark.parametrize("name", ["(Intercept)", "grade"])
def test_rademacher_samples_of_five_clusters_by_refitting(name, null):
    data = blm.datasets.load("salary")
    data["salary"] = data["salary"] - null * (data["grade"] if name == "grade" else 1)
    fit = blm.lm("salary ~ grade", data, cluster="major")
    v = np.array(list(product([-1.0, 1.0], repeat=5)))
    t, samples = refitted(fit, name, v)
    found = fit.wild_bootstrap(name, weights="rademacher")
    assert (found.samples, found.complete, found.weights) == (32, True, "rademacher")
    assert found.table.loc[name, "t"] ** 2 == pytest.approx(t**2)
    assert found.table.loc[name, "p"] == pytest.approx((samples >= t * (1 - 1e-9)).mean())


def test_the_interval_holds_what_is_not_rejected():
    fit = fitted("olsc_sleep")
    row = fit.wild_bootstrap("Days", draws=999, seed=3).table.loc["Days"]
    rng = np.random.default_rng(3)
    v = np.array([-1.0, 1.0])[rng.integers(0, 2, size=(999, 18))]
    for end, inwards in (("lower", 1), ("upper", -1)):
        for step, kept in ((0.02, True), (-0.02, False)):
            t, samples = refitted(fit, "Days", v, row[end] + inwards * step * row["se"])
            p = (1 + (samples >= t * (1 - 1e-9)).sum()) / 1000
            assert (p >= 0.05) == kept


def test_too_few_samples_reject_nothing():
    fit = fitted("olsc_salary")
    found = fit.wild_bootstrap(weights="rademacher").table
    assert np.isinf(found[["lower", "upper"]]).all(axis=None)
    webb = fit.wild_bootstrap()
    assert (webb.weights, webb.samples, webb.complete) == ("webb", 6**5, True)
    assert np.isfinite(webb.table[["lower", "upper"]]).all(axis=None)
    assert "5 clusters of major, all 7776 Webb samples" in str(webb)


def test_webbs_weights_have_mean_zero_and_variance_one():
    points = POINTS["webb"]
    assert points.mean() == pytest.approx(0, abs=1e-15)
    assert (points**2).mean() == pytest.approx(1)
    assert len(set(points)) == 6


def test_the_same_seed_gives_the_same_samples():
    fit = fitted("olsc_sleep")
    one, same, other = (fit.wild_bootstrap("Days", draws=199, seed=s).table for s in (1, 1, 2))
    pd.testing.assert_frame_equal(one, same)
    assert one.loc["Days", "upper"] != other.loc["Days", "upper"]


def test_weights_and_offset_count_in_the_bootstrap():
    data = blm.datasets.load("sleepstudy").assign(w=2.0, o=7.0)
    fit = blm.lm("Reaction ~ Days", data, cluster="Subject", weights="w", offset="o")
    plain = fitted("olsc_sleep").wild_bootstrap("Days", draws=199).table
    assert_allclose(fit.wild_bootstrap("Days", draws=199).table, plain, rtol=1e-6)


def test_the_size_with_six_clusters():
    """A predictor of the clusters: t with the usual cluster errors and a normal rejects too much, the bootstrap not."""
    rng = np.random.default_rng(8)
    group = np.repeat(np.arange(6), 5)
    rejected = []
    for _ in range(300):
        y = rng.normal(size=6)[group] + rng.normal(size=30)
        frame = pd.DataFrame({"y": y, "x": rng.normal(size=6)[group], "g": group})
        fit = blm.lm("y ~ x", frame, cluster="g")
        wild = fit.wild_bootstrap("x", draws=399, seed=int(rng.integers(1 << 30))).table.loc["x", "p"]
        rejected.append([wild < 0.05, fit.tests().loc["x", "p"] < 0.05, abs(fit_t(fit)) > 1.96])
    wild, cr2, naive = np.mean(rejected, axis=0)
    # 300 runs: sd of a share of 0.05 is 0.013
    assert 0.01 < wild < 0.09
    assert cr2 < 0.09
    assert naive > 0.15


def fit_t(fit) -> float:
    """t with the clusters' plain sandwich, by hand."""
    X, e = fit.design.X, fit.residuals()
    Q = np.linalg.inv(X.T @ X)
    S = np.array([X[fit.clusters.index == g].T @ e[fit.clusters.index == g] for g in range(fit.clusters.count)])
    return fit.fixef["x"] / np.sqrt((Q @ S.T @ S @ Q)[1, 1])


# -- bad input -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cluster", "error", "message"),
    [
        ("majr", DataError, "no column `majr` in the data; did you mean `major`"),
        ("major:grde", DataError, "no column `grde` in the data; did you mean `grade`"),
        (np.arange(7), ArgumentError, r"an array of shape \(7,\) for 25 rows"),
        (np.zeros(25), DataError, "has one value in the rows used"),
        (np.r_[np.nan, np.arange(24.0)], DataError, "missing in 1 of the 25 rows used, the first of them row 0 "),
    ],
)
def test_clusters_that_are_none_are_refused(cluster, error, message):
    with pytest.raises(error, match=message):
        blm.lm("salary ~ grade", blm.datasets.load("salary"), cluster=cluster)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda f: f.robust("HC9"), "kind='HC9' is not known; it is one of HC0"),
        (lambda f: f.robust(df="kenward"), "df='kenward' is not known"),
        (lambda f: f.robust(level=95), "level=95"),
        (lambda f: f.wild_bootstrap("grad"), "no coefficient `grad`; did you mean `grade`"),
        (lambda f: f.wild_bootstrap(draws=10), "draws must be a whole number, at least 99"),
        (lambda f: f.wild_bootstrap(weights="mammen"), "weights='mammen' is not known"),
        (lambda f: blm.lm("salary ~ grade", blm.datasets.load("salary")).robust(df="clusters"), "is for clusters"),
        (lambda f: blm.lm("salary ~ grade", blm.datasets.load("salary")).wild_bootstrap(), "needs clusters"),
    ],
)
def test_bad_arguments_are_refused(call, message):
    with pytest.raises(ArgumentError, match=message):
        call(fitted("olsc_salary"))


def test_a_row_with_leverage_one_is_refused_where_it_matters():
    data = blm.datasets.load("salary").assign(one=lambda d: np.where(np.arange(25) == 4, 1.0, 0.0))
    fit = blm.lm("salary ~ grade + one", data)
    with pytest.raises(ArgumentError, match="row 4 \\(counted from 0\\) alone decides a coefficient"):
        fit.robust("HC3")
    assert np.isfinite(fit.robust("HC1").vcov).all(axis=None)
