"""What is singular: the reasons, how flat the criterion is, what stands behind each variance."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq, minimize_scalar

import bayeslmm as blm
from bayeslmm.compare.triage.singular import singular_part
from tests.compare.posteriors import SALARY, SLEEP, fitted


@pytest.fixture(scope="module")
def salary():
    return singular_part(fitted(SALARY, "salary"), 0.95)


def test_reasons_in_words(salary):
    assert salary.is_singular
    row = salary.reasons.iloc[0]
    assert (row["group"], row["kind"], row["effects"]) == ("major", "correlation", "(Intercept), grade")
    assert row["sentence"] == "the correlation of `(Intercept)` and `grade` in `major` is +1"
    assert not singular_part(fitted(SLEEP, "sleepstudy"), 0.95).is_singular


def test_a_direction_without_variance(salary):
    assert list(salary.components["component"]) == ["PC1", "PC2"]
    assert salary.components["share"].iloc[1] < 1e-8


@pytest.mark.parametrize("reml", [True, False])
def test_how_far_an_sd_can_go_in_a_balanced_layout(reml):
    """The criterion of the balanced one-way layout in closed form, in (sd, sigma)."""
    data = blm.datasets.load("dyestuff2")
    J, n = 6, 5
    means = data.groupby("Batch", observed=True)["Yield"].mean()
    within = float(((data["Yield"] - data["Batch"].map(means).astype(float)) ** 2).sum())
    between = float(n * ((means - data["Yield"].mean()) ** 2).sum())
    lost = 1 if reml else 0

    def criterion(sd):
        def at(log_sigma):
            v = np.exp(2 * log_sigma)
            total = v + n * sd**2
            return J * (n - 1) * np.log(v) + (J - lost) * np.log(total) + within / v + between / total

        return minimize_scalar(at, bounds=(-2, 4), method="bounded", options={"xatol": 1e-10}).fun

    expected = brentq(lambda sd: criterion(sd) - criterion(0.0) - 3.841459, 0.1, 50)
    row = singular_part(fitted("Yield ~ 1 + (1 | Batch)", data, reml=reml), 0.95).parameters.iloc[0]
    assert row["lower"] == 0
    np.testing.assert_allclose(row["upper"], expected, rtol=1e-5)


def test_profiles_are_of_the_criterion_of_the_fit():
    fit = fitted(SALARY, "salary", reml=False)
    found, expected = singular_part(fit, 0.95), fit.profile("theta_").confint(0.95)
    np.testing.assert_allclose(
        found.parameters.loc["sd major grade", "upper"], expected.loc["sd_grade|major", "upper"], rtol=1e-4
    )
    assert found.criterion == "ML deviance"


def test_a_correlation_that_the_data_leave_open(salary):
    row = salary.parameters.loc["cor major (Intercept), grade"]
    assert row["estimate"] == pytest.approx(1)
    assert (row["lower"], row["upper"]) == (-1, 1)


def test_an_undefined_correlation_has_no_estimate():
    data = pd.DataFrame(
        {"y": np.tile([1.0, 2, 3, 4], 6), "x": np.tile([0.0, 1, 2, 3], 6), "g": np.repeat(list("abcdef"), 4)}
    )
    data["y"] += np.tile([0.1, -0.2, 0.05, 0.05, -0.1, 0.1, 0.15, -0.15], 3)
    found = singular_part(fitted("y ~ x + (x | g)", data), 0.95)
    assert (found.reasons["kind"] == "zero sd").any()
    assert np.isnan(found.parameters.loc["cor g (Intercept), x", "estimate"])
    assert found.parameters.loc["sd g x", "lower"] == 0


def test_levels_that_tell_about_a_slope():
    data = blm.datasets.load("sleepstudy")
    few = data[(data["Subject"].astype(str) < "332") | (data["Days"] == 3)]
    found = singular_part(fitted(SLEEP, few), 0.95).parameters
    varying = few.groupby("Subject", observed=True)["Days"].nunique() > 1
    assert found.loc["sd Subject (Intercept)", ["levels", "informative"]].tolist() == [18, 18]
    assert found.loc["sd Subject Days", "informative"] == varying.sum()
    assert found.loc["sd Subject Days", "informative"] < 18
    assert (found["rows"] == len(few)).all()
