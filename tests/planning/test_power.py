"""Power against closed forms of balanced designs; size; the same numbers for any number of threads."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayeslmm as blm
from bayeslmm.errors import ArgumentError
from bayeslmm.planning.measures import measures


def between(subject: int, rows: int) -> pd.DataFrame:
    return blm.crossed(subject=subject, rows=rows).assign(
        x=lambda d: np.where(d["subject"].str[1:].astype(int) % 2 == 0, 0.5, -0.5)
    )


def within(subject: int, rows: int) -> pd.DataFrame:
    return blm.crossed(subject=subject, x=[-0.5, 0.5], rows=rows)


def noncentral(effect: float, se: float, df: float) -> tuple[float, float]:
    """Power of the two-sided t test at 0.05, and the share of wrong signs among the significant."""
    critical = stats.t.ppf(0.975, df)
    right, wrong = stats.nct.sf(critical, df, effect / se), stats.nct.cdf(-critical, df, effect / se)
    return right + wrong, wrong / (right + wrong)


def test_power_of_balanced_designs_is_that_of_the_noncentral_t():
    """Between subjects: t with J - 2 df, se^2 = 4 (sd^2 + sigma^2 / m) / J; within: t with N - J - 1 df.

    Exact as long as the variance between subjects is not estimated as zero, which sd = 2 sigma sees to.
    """
    J, m, sd, sigma = 12, 4, 2.0, 1.0
    case = [
        (between(J, m), 3.0, 2 * np.sqrt((sd**2 + sigma**2 / m) / J), J - 2),
        (within(J, m), 0.5, 2 * sigma / np.sqrt(2 * J * m), 2 * J * m - J - 1),
    ]
    for design, effect, se, df in case:
        found = blm.power(
            "y ~ x + (1 | subject)", design, fixef={"x": effect}, sd=sd, sigma=sigma, n=400, seed=3, level=0.999
        )
        (row,) = found.table.to_dict("records")
        power, _ = noncentral(effect, se, df)
        assert row["power_lower"] < power < row["power_upper"]
        assert row["coverage_lower"] < 0.95 < row["coverage_upper"]
        assert row["df"] == pytest.approx(df, rel=1e-3)
        assert row["sd"] == pytest.approx(se, rel=4 / np.sqrt(2 * 400))
        assert row["singular"] == 0


def test_type_s_and_type_m_of_a_test_with_little_power():
    """Gelman & Carlin (2014): effect of half a standard error, in the limit of the normal."""
    rng = np.random.default_rng(1)
    estimate = rng.normal(0.5, 1, size=200_000)
    row = measures(estimate, np.ones(200_000), np.full(200_000, np.inf), 0.5, 0.05, 0.999)
    z = stats.norm.ppf(0.975)
    right, wrong = stats.norm.sf(z - 0.5), stats.norm.cdf(-z - 0.5)
    exaggeration = (
        (stats.norm.pdf(z - 0.5) + 0.5 * right + stats.norm.pdf(-z - 0.5) - 0.5 * wrong) / (right + wrong) / 0.5
    )
    assert row["power_lower"] < right + wrong < row["power_upper"]
    assert row["type_s_lower"] < wrong / (right + wrong) < row["type_s_upper"]
    assert row["type_m_lower"] < exaggeration < row["type_m_upper"]


def test_wilson_interval_of_a_share():
    """8 of 10: 0.4902, 0.9433 (Wilson 1927; statsmodels 0.14 `proportion_confint(8, 10, method="wilson")`)."""
    t = np.array([3.0] * 8 + [0.0] * 2)
    row = measures(t, np.ones(10), np.full(10, np.inf), 3.0, 0.05, 0.95)
    assert [row["power_lower"], row["power_upper"]] == pytest.approx([0.4902, 0.9433], abs=5e-5)


def test_size_of_the_test_and_coverage_where_there_is_no_effect():
    found = blm.power("y ~ x + (1 | subject)", between(8, 3), sd=1, sigma=1, n=600, seed=11, level=0.999)
    (row,) = found.table.to_dict("records")
    assert row["true"] == 0
    assert row["power_lower"] < 0.05 < row["power_upper"]
    assert row["power_upper"] < 0.12
    assert np.isnan([row["type_s"], row["type_m"]]).all()
    assert row["power"] == pytest.approx(1 - row["coverage"])


GRID = {"subject": [6, 12], "rows": [2, 4]}
STATED = {"fixef": {"x": 1.5}, "sd": 1, "sigma": 1, "n": 20, "seed": 5}


def test_the_table_is_the_same_for_any_number_of_threads():
    one, three = (blm.power("y ~ x + (1 | subject)", between, GRID, **STATED, workers=w).table for w in (1, 3))
    pd.testing.assert_frame_equal(one, three, check_exact=True)
    assert one[["subject", "rows"]].drop_duplicates().to_numpy().tolist() == [[6, 2], [6, 4], [12, 2], [12, 4]]


def test_grid_and_seed_reach_the_function():
    seen = []

    def design(subject, rate=0.1, seed=None):
        seen.append((subject, rate, seed))
        return blm.dropout(within(subject, 3), by="subject", over="x", rate=rate, seed=seed)

    found = blm.power("y ~ x + (1 | subject)", design, {"subject": [8, 10]}, **STATED)
    assert [s[:2] for s in seen] == [(8, 0.1), (10, 0.1)]
    assert len({s[2] for s in seen}) == 2
    assert found.sizes == ("subject",)


def test_what_is_tested_can_be_any_contrast():
    design = blm.crossed(subject=8, f=["a", "b", "c"], rows=2)
    found = blm.power(
        "y ~ f + (1 | subject)", design, fixef={"fb": 1, "fc": 1}, sd=1, test=["fb", "fb - fc = 0"], n=30, seed=1
    ).table
    assert found["test"].tolist() == ["fb", "fb - fc = 0"]
    assert found["true"].tolist() == [1, 0]
    kenward = blm.power("y ~ f + (1 | subject)", design, sd=1, n=10, seed=1, ddf="kenward-roger")
    assert "kenward-roger df" in str(kenward)
    assert len(kenward.table) == 2


def test_the_words_name_the_smallest_design_that_does():
    found = blm.power(
        "y ~ x + (1 | subject)", within, {"subject": [4, 30], "rows": [1, 3]}, **STATED | {"fixef": {"x": 0.8}}
    )
    told = found.table.query("power >= 0.8").sort_values("n_rows").iloc[0]
    assert f"has subject = {told['subject']}, rows = {told['rows']}" in str(found)


def test_curves_are_those_of_the_table():
    found = blm.power("y ~ x + (1 | subject)", between, GRID, **STATED)
    for width in (7.0, 3.5):
        (ax,) = found.plot(width=width)
        lines = [line for line in ax.lines if line.get_marker() == "o"]
        for line, (_, part) in zip(lines, found.table.groupby("rows"), strict=True):
            np.testing.assert_allclose(line.get_xydata(), part[["subject", "power"]])
        assert [t.get_text() for t in ax.texts if t.get_text()] == [
            f"rows = {r}" for r in sorted((2, 4), key=lambda r: found.table.query("rows == @r")["power"].iloc[-1])
        ]
    one = blm.power("y ~ x + (1 | subject)", between(6, 2), **STATED)
    assert one.plot("coverage")[0].get_ylabel() == "coverage of the intervals"
    none = blm.power("y ~ x + (1 | subject)", between(6, 2), **STATED | {"fixef": None})
    with pytest.raises(ArgumentError, match="a true value of zero has no sign"):
        none.plot("type_s")
    with pytest.raises(ArgumentError, match="it is one of power"):
        none.plot("size")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"design": between(6, 2), "grid": GRID}, "a grid needs a function as design"),
        ({"grid": {"subject": [6]}}, "needs `rows`, which the grid does not have"),
        ({"grid": {**GRID, "weeks": [1]}}, "does not take `weeks`"),
        ({"grid": {"subject": "6", "rows": [2]}}, "lists of values"),
        (
            {"grid": {"n": [6], **GRID}, "design": lambda n, subject, rows: between(subject, rows)},
            "is a column of the result",
        ),
        ({"grid": {"subject": 6, "rows": [2]}}, "lists of values"),
        ({"grid": ["subject"]}, "lists of values"),
        ({"grid": None}, r"needs `subject`, .*; add grid=\{\"subject\": \[10, 20\]\}"),
        ({"alpha": "a"}, "alpha='a' must lie"),
        ({"n": 1}, "n=1 must be a whole number, at least 2"),
        ({"workers": 0}, "workers=0"),
        ({"alpha": 5}, "alpha=5 must lie between 0 and 1"),
        ({"seed": -1}, "seed=-1"),
        ({"formula": "y ~ x"}, "no random effects"),
        ({"ddf": "satterthwait"}, "did you mean"),
        ({"test": "xx"}, "xx"),
        ({"weight": "w"}, "power has no argument `weight`"),
    ],
)
def test_bad_input(changed, message):
    given = {"formula": "y ~ x + (1 | subject)", "design": between, "grid": GRID, **STATED, **changed}
    if given["formula"] == "y ~ x":
        given["sd"] = {}
    with pytest.raises(ArgumentError, match=message):
        blm.power(given.pop("formula"), given.pop("design"), given.pop("grid"), **given)
