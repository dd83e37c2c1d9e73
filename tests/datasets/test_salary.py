"""The salary simulation: shapes, seeds, and moments that come back."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from pandas.testing import assert_frame_equal

from bayeslmm.datasets import load, simulate_salary
from bayeslmm.errors import ArgumentError


def test_looks_like_the_packaged_data():
    found, packaged = simulate_salary(seed=1).data, load("salary")
    assert list(found) == ["salary", "grade", "major"]
    assert len(found) == len(packaged)
    assert found["major"].dtype == packaged["major"].dtype
    assert (found["major"].value_counts() == 5).all()


def test_a_seed_or_a_generator_reproduces():
    first, again, other = (simulate_salary(seed=s).data for s in (1, np.random.default_rng(1), 2))
    assert_frame_equal(first, again)
    assert not first.equals(other)


def test_without_residuals_the_truth_is_in_the_data():
    data, intercepts, slopes = simulate_salary(n=23, groups=4, sigma=(6, 0.1, 0), seed=3)
    assert sorted(data["major"].value_counts()) == [5, 6, 6, 6]
    for major, rows in data.groupby("major", observed=True):
        assert_allclose(rows["salary"], intercepts[major] + slopes[major] * rows["grade"])


def test_parameters_come_back_from_many_majors():
    groups, size, sigma = 4000, 8, (6.0, 0.5, 3.0)
    data, intercepts, slopes = simulate_salary(n=groups * size, groups=groups, mu=(-10, 2), sigma=sigma, seed=4)
    mean_grade = data.groupby("major", observed=True)["grade"].mean()
    # each estimate within 5 of its standard errors
    rest = intercepts + 10 * mean_grade
    assert_allclose(rest.mean(), 0, atol=5 * sigma[0] / groups**0.5)
    assert_allclose(np.polyfit(mean_grade, intercepts, 1)[0], -10, atol=5 * sigma[0] * (size / groups) ** 0.5)
    assert_allclose(slopes.mean(), 2, atol=5 * sigma[1] / groups**0.5)
    assert_allclose([rest.std(), slopes.std()], sigma[:2], rtol=5 / (2 * groups) ** 0.5)
    line = data["major"].map(intercepts).astype(float) + data["major"].map(slopes).astype(float) * data["grade"]
    assert_allclose((data["salary"] - line).std(), sigma[2], rtol=5 / (2 * len(data)) ** 0.5)
    assert_allclose(data["grade"].std(), 1, rtol=5 / (2 * len(data)) ** 0.5)


def test_majors_with_better_grades_pay_less_although_grades_pay():
    data, _, slopes = simulate_salary(n=2000, groups=200, seed=5)
    means = data.groupby("major", observed=True)[["grade", "salary"]].mean()
    assert np.polyfit(means["grade"], means["salary"], 1)[0] < 0 < slopes.min()


def test_names_of_many_majors_are_in_order():
    names = list(simulate_salary(n=30, groups=30, seed=0).slopes.index)
    assert names[:2] == ["aa", "ab"]
    assert names == sorted(set(names))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"groups": 0}, "`groups` is 0; it must be a whole number of at least 1"),
        ({"groups": 2.5}, "`groups` is 2.5; it must be a whole number"),
        ({"n": 3}, "`n` is 3; .* at least 5: each of the 5 majors needs a graduate"),
        ({"mu": (1,)}, "`mu` is .*; it takes 2 numbers"),
        ({"mu": 3}, "`mu` is 3; it takes 2 numbers"),
        ({"mu": (float("nan"), 1)}, "`mu` is"),
        ({"sigma": (6, -1, 3)}, "`sigma` is .* it takes 3 numbers that are not negative"),
        ({"sigma": "abc"}, "`sigma` is 'abc'; it takes 3 numbers"),
    ],
)
def test_bad_arguments_get_a_sentence(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        simulate_salary(**arguments)
