"""Simulated data have the moments of the stated model, and the truth is attached by the names of summaries."""

import numpy as np
import pandas as pd
import pytest

import bayeslmm as blm
from bayeslmm.errors import ArgumentError, DataError, FormulaError
from tests.results.posterior_draws import case

SLEEP = "Reaction ~ Days + (Days | Subject)"
STATED = {
    "fixef": {"Intercept": 250, "Days": 10},
    "sd": {"Subject": {"Intercept": 25, "Days": 6}},
    "cor": {"Subject": 0.4},
    "sigma": 20,
}


def sleep(**changed):
    return blm.simulate(SLEEP, blm.crossed(Subject=18, Days=range(10)), **{**STATED, "seed": 1, **changed})


def test_the_response_is_what_the_truth_makes_it():
    made = sleep(sigma=0)
    b = made.ranef.pivot(index="level", columns="term", values="value")
    days, who = made.data["Days"].to_numpy(), made.data["Subject"]
    expected = 250 + 10 * days + b["(Intercept)"][who].to_numpy() + b["Days"][who].to_numpy() * days
    np.testing.assert_allclose(made.data["Reaction"], expected, rtol=1e-12)
    assert made.truth["value"].to_dict() == {
        "(Intercept)": 250,
        "Days": 10,
        "sd_Subject[Intercept]": 25,
        "sd_Subject[Days]": 6,
        "cor_Subject[Intercept, Days]": 0.4,
        "sigma": 0,
    }
    assert made.data.attrs["truth"] == {"formula": SLEEP, "parameters": made.truth["value"].to_dict()}


def test_covariance_of_responses_is_that_of_the_model():
    """cov(y) = Z V Z' + sigma^2 / w over 20,000 groups of three rows, within 4 standard errors."""
    J = 20_000
    design = blm.crossed(g=J, x=[0.0, 1.0, 3.0]).assign(w=lambda d: 1 + d["x"])
    made = blm.simulate("y ~ x + (x | g)", design, sd={"g": [2, 0.5]}, cor={"g": -0.6}, sigma=1.5, weights="w", seed=5)
    y = made.data["y"].to_numpy().reshape(J, 3)
    Z = np.array([[1, 0], [1, 1], [1, 3]])
    V = np.array([[4, -0.6], [-0.6, 0.25]])
    expected = Z @ V @ Z.T + np.diag(1.5**2 / np.array([1, 2, 4]))
    found = np.cov(y.T)
    error = np.sqrt((expected**2 + np.outer(np.diag(expected), np.diag(expected))) / J)
    assert (np.abs(found - expected) < 4 * error).all()


def test_a_fit_of_many_rows_finds_the_truth_of_crossed_and_nested_groups():
    design = blm.nested(school=60, class_=6, pupil=4).assign(item=lambda d: [f"i{i % 30}" for i in range(len(d))])
    made = blm.simulate(
        "score ~ 1 + (1 | school / class) + (1 | item)",
        design,
        fixef={"Intercept": 5},
        sd={"school": 1, "school:class": 2, "item": 1.5},
        sigma=1,
        seed=3,
    )
    table = made.recovery(level=0.999).table
    assert table["inside"].astype(bool).all()
    assert table.loc["sd_class:school[Intercept]", "true"] == 2


def test_the_salary_simulator_is_a_special_case():
    """Without variation the two give the same salaries; with it, intercepts and slopes of the same distribution."""
    formula = "salary ~ 0 + mean_grade + grade + (1 + grade || major)"
    fixef = {"mean_grade": -10, "grade": 2}
    own = blm.datasets.simulate_salary(n=60, groups=6, sigma=(0, 0, 0), seed=2).data
    design = own.drop(columns="salary").assign(
        mean_grade=lambda d: d.groupby("major", observed=True)["grade"].transform("mean")
    )
    same = blm.simulate(formula, design, fixef=fixef, sd={"major": {"Intercept": 0, "grade": 0}}, sigma=0)
    np.testing.assert_allclose(same.data["salary"], own["salary"], rtol=1e-12)
    many = blm.datasets.simulate_salary(n=6000, groups=3000, sigma=(6, 0.5, 3), seed=4)
    wide = many.data.drop(columns="salary").assign(
        mean_grade=lambda d: d.groupby("major", observed=True)["grade"].transform("mean")
    )
    made = blm.simulate(formula, wide, fixef=fixef, sd={"major": {"Intercept": 6, "grade": 0.5}}, sigma=3, seed=5)
    mean = wide.groupby("major", observed=True)["grade"].mean()
    theirs = pd.DataFrame({"(Intercept)": many.intercepts + 10 * mean, "grade": many.slopes - 2})
    ours = made.ranef.pivot(index="level", columns="term", values="value")
    assert ours.std().to_numpy() == pytest.approx(theirs.std()[ours.columns].to_numpy(), rel=4 / np.sqrt(3000))
    for y, b in ((many.data["salary"], theirs), (made.data["salary"], ours)):
        major = many.data["major"].astype(str)
        line = (
            b["(Intercept)"][major].to_numpy()
            - 10 * wide["mean_grade"]
            + (b["grade"][major].to_numpy() + 2) * wide["grade"]
        )
        assert (y - line).std() == pytest.approx(3, rel=4 / np.sqrt(2 * 6000))


def test_rows_without_predictors_have_no_response_and_factors_their_contrasts():
    design = blm.crossed(g=6, f=["a", "b"], rows=3)
    design.loc[4, "f"] = None
    made = blm.simulate("y ~ f + (1 | g)", design, fixef={"f1": 1}, sd=1, contrasts={"f": "sum"}, seed=1)
    assert np.flatnonzero(made.data["y"].isna()).tolist() == [4]
    assert made.model.design.coef_names == ("(Intercept)", "f1")
    assert list(design.columns) == ["g", "f"]


def test_no_random_effects_and_one_row_per_level():
    assert blm.simulate("y ~ x", pd.DataFrame({"x": np.arange(5.0)}), fixef=[1, 2], sigma=0).data["y"].tolist() == [
        1, 3, 5, 7, 9,
    ]  # fmt: skip
    assert len(blm.simulate("y ~ 1 + (1 | g)", blm.crossed(g=9), sd=1).ranef) == 9


def test_seeds_and_generators():
    pd.testing.assert_frame_equal(sleep().data, sleep(seed=np.random.default_rng(1)).data)
    assert not sleep().data["Reaction"].equals(sleep(seed=2).data["Reaction"])


def test_recovery_of_a_fit_and_of_a_posterior():
    made = sleep()
    found = made.recovery()
    fit = made.fit()
    assert found.table["estimate"].tolist() == pytest.approx(
        [*fit.fixef, *fit.varcorr["sd"].fillna(fit.varcorr["corr"])]
    )
    assert found.method == "REML"
    assert (found.correlations > 0.7).all()
    posterior = case(SLEEP, made.data, seed=2)
    mine = made.recovery(posterior.post)
    assert mine.method == "posterior"
    assert mine.table.loc["sigma", "estimate"] == pytest.approx(posterior.sigma.mean())
    assert mine.table.loc["Days", ["lower", "upper"]].tolist() == pytest.approx(
        np.quantile(posterior.beta[:, 1], [0.025, 0.975]).tolist()
    )


def test_recovery_is_drawn():
    made = sleep()
    axes = made.recovery().plot()
    shown = made.recovery().effects.query("term == 'Days'")
    points = next(line for line in axes[2].lines if line.get_marker() == "o")
    np.testing.assert_allclose(points.get_xdata(), shown["true"])
    np.testing.assert_allclose(points.get_ydata(), shown["estimate"])


@pytest.mark.filterwarnings("ignore:boundary")
def test_an_estimate_on_the_boundary_has_no_interval():
    made = blm.simulate("y ~ 1 + (1 | g)", blm.crossed(g=6, rows=4), sd=0, sigma=1, seed=4)
    found = made.recovery()
    assert made.fit().is_singular
    assert found.table.loc["sd_g[Intercept]", "inside"] is None
    assert np.isnan(found.correlations.iloc[0])
    found.plot()


BAD = [
    ({"fixef": {"Dayz": 1}}, "no coefficient `Dayz`; did you mean `Days`"),
    ({"fixef": [1, 2, 3]}, r"fixef has shape \(3,\); the model has 2"),
    ({"fixef": {"Days": "a lot"}}, "not a finite number"),
    ({"sd": {"Subjct": 1}}, "no grouping factor `Subjct`; did you mean `Subject`"),
    ({"sd": {}}, "sd: none was given for `Subject`; it has the effects Intercept, Days"),
    ({"sd": {"Subject": 1}}, "the effects Intercept, Days need a number each, and 1 were given"),
    ({"sd": {"Subject": {"Intercept": 1}}}, "none was given for the effect `Days`"),
    ({"sd": {"Subject": {"Intercept": 1, "Dys": 2}}}, "no effect `Dys`; did you mean `Days`"),
    ({"sd": {"Subject": [1, -2]}}, "-2 is negative"),
    ({"cor": {"Subject": 1.2}}, "these correlations cannot be"),
    ({"cor": {"Subject": {"Intercept, Dys": 0.1}}}, "no correlation `Intercept, Dys`"),
    ({"cor": {"Subject": [[1, 0.2], [0.3, 1]]}}, "symmetric"),
    ({"cor": {"Subject": [[1, 1.1], [1.1, 1]]}}, "these correlations cannot be"),
    ({"seed": -1}, "seed=-1 must be a whole number"),
    ({"seed": "a"}, "seed='a' must be a whole number"),
    ({"sigma": -1}, "sigma=-1 is negative"),
    ({"weight": "w"}, "simulate has no argument `weight`; did you mean `weights`"),
]


@pytest.mark.parametrize(("changed", "message"), BAD, ids=[m[:40] for _, m in BAD])
def test_bad_parameters(changed, message):
    with pytest.raises(ArgumentError, match=message):
        sleep(**changed)


def test_correlations_that_were_computed_may_be_rounded():
    design = blm.crossed(g=5, t=range(4)).assign(x=np.random.default_rng(2).normal(size=20))
    R = np.corrcoef(np.random.default_rng(1).normal(size=(3, 7)))
    R[0, 1] += 1e-14
    made = blm.simulate("y ~ t + x + (t + x | g)", design, sd={"g": [1, 1, 1]}, cor={"g": R}, seed=1)
    found = made.truth.query("kind == 'cor'")["value"].to_numpy()
    np.testing.assert_allclose(found, R[[0, 0, 1], [1, 2, 2]], atol=1e-13)


def test_bad_designs():
    for bars, sd, cure in (("(x || g)", [1, 1], r"write `\|` in place of `\|\|`"), ("(1 | g)", 1, "leave it out")):
        with pytest.raises(ArgumentError, match=f"given for 0 correlations; {cure}"):
            blm.simulate(f"y ~ x + {bars}", blm.crossed(g=5, x=range(4)), sd={"g": sd}, cor={"g": 0.5})
    with pytest.raises(ArgumentError, match="sd=1: give a dict by grouping factor, leave sd out"):
        blm.simulate("y ~ x", blm.crossed(x=range(4)), sd=1)
    with pytest.raises(ArgumentError, match="has no correlation where one was given"):
        blm.simulate(
            "y ~ x + (x || g)", blm.crossed(g=5, x=range(4)), sd={"g": [1, 1]}, cor={"g": [[1, 0.5], [0.5, 1]]}
        )
    with pytest.raises(FormulaError, match="give it a name alone"):
        blm.simulate("log(y) ~ 1 + (1 | g)", blm.crossed(g=5, rows=2), sd=1)
    with pytest.raises(FormulaError, match="no column `x`"):
        blm.simulate("y ~ x + (1 | g)", blm.crossed(g=5, rows=2), sd=1)
    with pytest.raises(DataError, match="is of type str"):
        blm.simulate("y ~ x + (1 | g)", "file.csv", sd=1)
    with pytest.raises(ArgumentError, match="this fit is one of another model"):
        sleep().recovery(blm.lmer("Reaction ~ Days + (Days || Subject)", sleep().data))
