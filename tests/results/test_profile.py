"""Profiles as people hold them: names, tables, intervals, pictures, bad requests."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import bayeslmm as blm
from bayeslmm.errors import ArgumentError
from tests.reference_cases import load_case, load_frame, numbers


@pytest.fixture(scope="module")
def fit():
    return blm.lmer("Reaction ~ Days + (Days | Subject)", blm.datasets.load("sleepstudy"))


@pytest.fixture(scope="module")
def profile(fit):
    return fit.profile()


def test_intervals_read_off_a_wider_profile_are_those_that_were_followed(fit, profile):
    for level in (0.5, 0.8, 0.95):
        assert_allclose(profile.confint(level), fit.confint("profile", level), rtol=2e-4, atol=2e-4)


def test_reml_and_ml_fits_have_the_same_profile(fit):
    ml = blm.lmer("Reaction ~ Days + (Days | Subject)", blm.datasets.load("sleepstudy"), reml=False)
    assert_allclose(fit.confint("profile", parm="beta_"), ml.confint("profile", parm="beta_"), rtol=1e-6)
    assert "ML deviance" in repr(fit.profile("sigma"))


def test_the_table_holds_what_the_other_parameters_do(profile):
    table = profile.table
    assert list(table.columns[:3]) == ["parameter", "value", "zeta"]
    days = table[table["parameter"] == "Days"]
    assert_allclose(days["Days"], days["value"], rtol=1e-8)
    # the estimate itself is among the points
    assert (days["zeta"] == 0).sum() == 1


def test_parm_takes_names_and_sets(fit):
    assert list(fit.confint("profile", parm=["Days", "sigma"]).index) == ["Days", "sigma"]
    assert list(fit.confint("profile", parm="beta_").index) == ["(Intercept)", "Days"]
    assert list(fit.confint(parm="theta_").index) == [
        "sd_(Intercept)|Subject",
        "cor_Days.(Intercept)|Subject",
        "sd_Days|Subject",
        "sigma",
    ]


@pytest.mark.parametrize("name", ["sleep_slope", "penicillin", "groups_of_one"])
def test_wald_intervals_of_fixed_effects_equal_those_of_r(name):
    case = load_case(name)
    r = case["REML"]["confint"]["wald"]
    found = blm.lmer(case["formula"], load_frame(case)).confint()
    at = [r["names"].index(n) for n in found.index]
    assert_allclose(found, np.column_stack([numbers(r["lower"])[at], numbers(r["upper"])[at]]), rtol=1e-5)


def test_pictures_show_each_parameter_and_each_pair(profile):

    axes = profile.plot()
    titles = [ax.get_title(loc="left") for ax in axes.flat]
    assert titles[:6] == list(profile.curves)
    assert not axes.flat[6].get_visible()
    pairs = profile.plot_pairs(["sigma", "Days", "sd_Days|Subject"])
    assert pairs.shape == (3, 3)
    # three contours and two traces in each panel; in the plane of zetas the contours touch the square of their radius
    lines = pairs[0, 1].get_lines()
    assert len(lines) == 5
    for line, share in zip(lines[:3], (0.5, 0.8, 0.95), strict=True):
        radius = np.sqrt(-2 * np.log(1 - share))
        assert_allclose(np.abs(line.get_xdata()).max(), radius, rtol=2e-3)


def test_long_names_are_folded():
    formula = "log(accel) ~ log(distance/20) + Richter + soil + (log(distance/20) + soil | Quake)"
    with pytest.warns(blm.errors.SingularFitWarning):
        fit = blm.lmer(formula, blm.datasets.load("earthquake"))
    for text in (repr(fit.profile("theta_", level=0.95)), str(fit.summary())):
        assert max(map(len, text.splitlines())) <= 100
        assert "boundary" in text.splitlines()[-2]
    ends = repr(fit.profile("theta_", level=0.95)).split("an end at the boundary: ")[1]
    assert [name.split("_")[0] for name in ends.replace("\n ", "").split(", ")] == ["cor"] * 3


def test_a_singular_fit_has_pictures_too():

    with pytest.warns(blm.errors.SingularFitWarning):
        fit = blm.lmer("salary ~ grade + (grade | major)", blm.datasets.load("salary"))
    found = fit.profile()
    assert "an end at the boundary: cor_grade.(Intercept)|major, sd_grade|major" in repr(found)
    line = found.plot()[0, 1].get_lines()[0]
    assert np.isfinite(line.get_ydata()).all()
    found.plot_pairs()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda f: f.confint("profle"), 'confint\\(method="profle"\\) is not known.*did you mean `profile`'),
        (lambda f: f.confint("profile", level=95), "level=95 must lie between 0 and 1; for 95 % write level=0.95"),
        (lambda f: f.confint("profile", parm="Dais"), "no parameter `Dais`; did you mean `Days`"),
        (lambda f: f.confint("profile", parm=[]), "parm is empty"),
        (lambda f: f.confint("wald", n=100), "takes level and parm only, not n"),
        (lambda f: f.profile("Days", 0.8).confint(0.9), "level=0.9 lies beyond the profile"),
        (lambda f: f.profile("Days").plot_pairs(), "plot_pairs needs two or more"),
    ],
)
def test_bad_requests_get_a_sentence(fit, call, message):
    with pytest.raises(ArgumentError, match=message):
        call(fit)


def test_a_dropped_column_has_no_profile():
    data = blm.datasets.load("sleepstudy").assign(twice=lambda d: 2 * d["Days"])
    with pytest.warns(blm.errors.DesignWarning):
        fit = blm.lmer("Reaction ~ Days + twice + (1 | Subject)", data)
    with pytest.raises(ArgumentError, match="the column `twice` was left out because it is collinear"):
        fit.profile("twice")
