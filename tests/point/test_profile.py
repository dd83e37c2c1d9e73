"""Profile likelihood: against R, against the dense likelihood, at the boundary; Wald intervals of sds."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

import bayeslmm as blm
from bayeslmm.design import build
from bayeslmm.likelihood.dense import Dense
from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.likelihood.restricted import Restriction
from bayeslmm.likelihood.threads import one_blas_thread
from bayeslmm.point.charts import FixedEffectChart, ResidualChart
from bayeslmm.point.cone import Cone
from bayeslmm.point.covariance_chart import CovarianceChart
from bayeslmm.point.profile import Parameter, Profiler
from bayeslmm.point.wald import wald_interval
from bayeslmm.results.profile import profile
from tests.designs import make_design
from tests.reference_cases import arguments, case_names, load_case, load_frame

MORE = json.loads((Path(__file__).parents[1] / "reference" / "profile" / "intervals.json").read_text())
Z = 1.959963984540054
PROFILED = [n for n in case_names() if (load_case(n)["REML"].get("confint") or {}).get("profile")]
# where R interpolates on too few points: where a variance leaves or reaches zero on the way, the profile has a kink,
# and an end within 1e-3 of the boundary is small beside the steps. The dense deviance below holds ours there.
INTERPOLATED = {
    ("toothgrowth", "sd_(Intercept)|block"): 5e-3,
    ("orthodont", "sd_(Intercept)|Subject"): 3e-2,
    ("salary_rs", "grade"): 8e-3,
    ("salary_rs_uncorr", "grade"): 8e-3,
}


def fitted(name):
    case = load_case(name)
    design = build(case["formula"], load_frame(case), **arguments(case))
    return design, MarginalLikelihood.of(design)


@pytest.mark.parametrize("name", [*PROFILED, *MORE])
def test_intervals_equal_those_of_r(name):
    r = MORE.get(name) or load_case(name)["REML"]["confint"]["profile"]
    found = profile(*fitted(name), None, 0.95).confint()
    assert set(found.index) == set(r["names"])
    for parameter, lower, upper in zip(r["names"], r["lower"], r["upper"], strict=True):
        tolerance = INTERPOLATED.get((name, parameter), 1e-3)
        assert_allclose(found.loc[parameter], [lower, upper], rtol=tolerance, err_msg=parameter)


@pytest.mark.parametrize(
    "name",
    [
        "sleep_slope",
        "machines_fslope",
        "pastes_sample",
        "interaction_slope",
        "sleep_weights",
        "salary_rs",
        "salary_rs_uncorr",
        "toothgrowth",
        "orthodont",
    ],
)
def test_ends_are_constrained_optima_where_the_dense_deviance_has_risen_by_the_quantile(name):
    design, likelihood = fitted(name)
    dense, profiler = Dense.of(design), Profiler.of(likelihood)
    covariance, rng = likelihood.covariance, np.random.default_rng(1)

    def deviance(values):
        V = [np.zeros((t.k, t.k)) for t in covariance.terms]
        named = dict(zip(profiler.which, values, strict=True))
        for a, v in named.items():
            if a.kind == "sd":
                V[a.term][a.row, a.row] = v**2
        for a, v in named.items():
            if a.kind == "cor":
                sds = named[Parameter("sd", a.term, a.row, a.row)], named[Parameter("sd", a.term, a.column, a.column)]
                V[a.term][a.row, a.column] = V[a.term][a.column, a.row] = v * sds[0] * sds[1]
        sigma = named[Parameter("sigma")]
        if any(np.linalg.eigvalsh(W)[0] < -1e-9 for W in V):
            return np.inf
        lambdas = covariance.lambdas(covariance.factor([W / sigma**2 for W in V]))
        beta = np.array([v for a, v in named.items() if a.kind == "fixed"])
        with one_blas_thread():
            return -2 * dense.log_density(beta, lambdas, sigma)

    for i, a in enumerate(profiler.which):
        curve = profiler.curve(a, Z)
        for end in (0, -1):
            here = curve.followers[end]
            here = np.where(np.isnan(here), 0.0, here)  # a correlation with an sd of zero
            if abs(curve.zeta[end]) < Z - 1e-4:
                continue
            assert_allclose(deviance(here) - profiler.best, Z**2, rtol=1e-5)
            for _ in range(3):
                step = rng.normal(size=here.size) * 1e-3 * np.abs(here)
                step[i] = 0.0
                step[here == 0] = 0.0
                assert deviance(here + step) > deviance(here) - 1e-7


@pytest.mark.parametrize("shape", ["slopes", "uncorrelated", "nested three deep", "everything"])
@pytest.mark.parametrize("reml", [True, False])
def test_gradients_on_every_chart_equal_central_differences(shape, reml):
    likelihood = MarginalLikelihood.of(make_design(shape, seed=5, weighted=True, n=120))
    cone, rng = Cone.of(likelihood), np.random.default_rng(2)
    charts = [ResidualChart(likelihood, cone, reml)]
    charts += [CovarianceChart.of(likelihood, reml, t, [i], 1.3) for t, i, j in likelihood.covariance.entries if i == j]
    charts += [
        CovarianceChart.of(likelihood, reml, t, [j, i], 1.3) for t, i, j in likelihood.covariance.entries if i != j
    ]
    if not reml:
        charts.append(FixedEffectChart(Restriction.of(likelihood, np.array([0.0, 1.0, 0.5])), cone))
    factors = tuple(np.tril(rng.normal(size=(t.k, t.k))) + np.eye(t.k) for t in likelihood.covariance.terms)
    blocks = likelihood.covariance.lambdas(likelihood.covariance.gather(factors))
    for chart in charts:
        t, z = 0.7, chart.start(blocks, 1.1)
        told = chart.tell(t, z)
        h = 1e-5
        numeric = [(chart.tell(t, z + e).value - chart.tell(t, z - e).value) / (2 * h) for e in h * np.eye(z.size)]
        assert_allclose(told.by_free, numeric, rtol=1e-5, atol=1e-5)
        assert_allclose(told.by_path, (chart.tell(t + h, z).value - chart.tell(t - h, z).value) / (2 * h), rtol=1e-5)


def test_a_restriction_is_the_model_without_the_column():
    design = make_design("crossed", seed=7, weighted=True, n=100)
    likelihood = MarginalLikelihood.of(design)
    theta = np.random.default_rng(3).normal(size=likelihood.covariance.m)
    rest = replace(design, X=design.X[:, [0, 2]], coef_names=("x0", "x2"))
    for c in (0.4, -30.0):
        held = Restriction.of(likelihood, np.array([0.0, 1.0, 0.0])).at(c)
        moved = MarginalLikelihood.of(replace(rest, y=design.y - c * design.X[:, 1]))
        assert_allclose(held.criterion(theta, False), moved.criterion(theta, False), rtol=1e-10)
        beta = held.basis.coefficients(held.evaluate_theta(theta, False).gamma)
        expected = moved.basis.coefficients(moved.evaluate_theta(theta, False).gamma)
        assert_allclose(beta, [expected[0], c, expected[1]], rtol=1e-8)


def test_a_mean_alone_can_be_profiled():
    _, likelihood = fitted("rail")
    profiler = Profiler.of(likelihood)
    curve = profiler.curve(profiler.which[-1], Z)
    assert profiler.which[-1].kind == "fixed"
    assert_allclose([curve.lower, curve.upper], [44.960658, 88.039342], rtol=1e-6)


def test_an_sd_of_zero_has_an_interval_that_starts_there_and_its_correlation_none_but_the_whole():
    _, likelihood = fitted("salary_rs_uncorr")
    profiler = Profiler.of(likelihood)
    curve = profiler.curve(profiler.which[1], Z)
    assert (curve.estimate, curve.lower) == (0.0, 0.0)
    assert curve.zeta[-1] == pytest.approx(Z, rel=1e-6)
    assert curve.at(np.array([curve.upper]))[0] == pytest.approx(Z, rel=1e-6)


def test_a_correlation_of_effects_without_variance_may_be_anything():
    rng = np.random.default_rng(0)
    g, x = np.repeat(np.arange(8), 6), np.tile(np.arange(6.0), 8)
    y = rng.normal(size=48)
    for level in range(8):  # nothing left between the groups
        own = np.column_stack([np.ones(6), x[:6]])
        y[g == level] -= own @ np.linalg.lstsq(own, y[g == level])[0]
    design = build("y ~ x + (x | g)", {"y": y + x, "x": x, "g": g.astype(str)})
    profiler = Profiler.of(MarginalLikelihood.of(design))
    by_kind = {a.kind: profiler.curve(a, Z) for a in profiler.which}
    assert np.isnan(by_kind["cor"].estimate)
    assert (by_kind["cor"].lower, by_kind["cor"].upper) == (-1.0, 1.0)
    assert (by_kind["sd"].lower, by_kind["sd"].estimate) == (0.0, 0.0)


@pytest.mark.parametrize("name", ["orthodont", "cross_slopes", "interaction_slope", "chickweight"])
def test_a_correlation_is_free_exactly_where_an_sd_of_its_effects_may_be_zero(name):
    _, likelihood = fitted(name)
    profiler = Profiler.of(likelihood)
    correlations = [a for a in profiler.which if a.kind == "cor"]
    assert correlations
    for a in correlations:
        sds = [profiler.curve(Parameter("sd", a.term, i, i), Z) for i in (a.row, a.column)]
        curve = profiler.curve(a, Z)
        if min(s.lower for s in sds) == 0.0:
            assert (curve.lower, curve.upper) == (-1.0, 1.0)
        highest = min(abs(s.zeta[0]) for s in sds)
        if max(s.lower for s in sds) == 0.0:
            assert np.abs(curve.zeta).max() <= highest + 1e-6
        assert (np.diff(curve.zeta) > -1e-6).all()


def test_profiles_do_not_depend_on_units_or_origin():
    data = blm.datasets.load("sleepstudy")
    one = blm.lmer("Reaction ~ Days + (Days | Subject)", data).confint("profile")
    data = data.assign(Reaction=data["Reaction"] * 1e3, Days=(data["Days"] * 10 + 0.0))
    other = blm.lmer("Reaction ~ Days + (Days | Subject)", data).confint("profile")
    scale = np.array([1e3, 1.0, 1e2, 1e3, 1e3, 1e2])[:, None]
    assert_allclose(other.to_numpy(), one.to_numpy() * scale, rtol=1e-5)
    _, far = fitted("sleep_year_slope")
    profiler = Profiler.of(far)
    slope = profiler.curve(profiler.which[2], Z)
    assert_allclose([slope.lower, slope.upper], one.loc["sd_Days|Subject"], rtol=1e-4)


def test_wald_intervals_of_a_balanced_layout_are_those_of_its_sums_of_squares():
    case = load_case("rail")
    fit = blm.lmer(case["formula"], load_frame(case))
    # -2 log L separates into the within sum of squares, 12 df for sigma, and the between one, 5 df
    half = Z / np.sqrt(2 * 12)
    found = fit.confint(parm="sigma").loc["sigma"]
    assert_allclose(found, fit.sigma * np.exp([-half, half]), rtol=1e-4)


def test_wald_intervals_of_sds_and_correlations_equal_those_of_nlme():
    # R 4.2.2, nlme 3.1-162: intervals(lme(Reaction ~ Days, random = ~ Days | Subject, sleepstudy,
    # control = lmeControl(.relStep = 1e-4))); its default step gives 0.576 and 0.657 for the correlation
    nlme = [[15.5816209, 39.2821462], [-0.5183579, 0.6077891], [3.9182912, 8.9506624]]
    found = blm.lmer("Reaction ~ Days + (Days | Subject)", blm.datasets.load("sleepstudy")).confint(parm="theta_")
    assert_allclose(found.iloc[:3], nlme, rtol=2e-4)


def test_a_wald_interval_of_an_sd_close_to_zero_may_be_all_of_the_line():
    _, likelihood = fitted("salary_rs")
    profiler = Profiler.of(likelihood, reml=True)
    slope = [a for a in profiler.which if a.kind == "sd"][1]
    low, high = wald_interval(profiler, slope, 1e3 * Z)
    assert (low, high) == (0.0, np.inf)


def test_wald_intervals_do_not_exist_at_the_boundary():
    _, likelihood = fitted("salary_rs")
    profiler = Profiler.of(likelihood, reml=True)
    correlation = next(a for a in profiler.which if a.kind == "cor")
    assert np.isnan(wald_interval(profiler, correlation, Z)).all()
    _, likelihood = fitted("dyestuff2")
    profiler = Profiler.of(likelihood, reml=True)
    assert np.isnan(wald_interval(profiler, profiler.which[0], Z)).all()
