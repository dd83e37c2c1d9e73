"""What `reanalyse` tries in the frequentist frame, held against lme4 and lmerTest."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bayeslmm.compare.triage.alternatives import alternatives_part, conclude, focal_functions
from bayeslmm.compare.triage.rescaled import rescaled
from bayeslmm.errors import ArgumentError
from bayeslmm.likelihood.marginal import MarginalLikelihood
from tests.compare.posteriors import SALARY, SLEEP, fitted
from tests.reference_cases import load_case, load_frame

R = json.loads((Path(__file__).parent.parent / "reference" / "triage" / "triage.json").read_text())["cases"]
FORMULAS = {
    "salary": (SALARY, "salary"),
    "dyestuff2": ("Yield ~ 1 + (1 | Batch)", "dyestuff2"),
    "sleepstudy": (SLEEP, "sleepstudy"),
    "penicillin": ("diameter ~ 1 + (1 | plate) + (1 | sample)", "penicillin"),
    "machines": ("score ~ Machine + (1 | Worker) + (1 | Worker:Machine)", "machines"),
    "three": ("y ~ cond + z + (1 | item) + (1 | school/subj)", load_frame(load_case("cross_nest"))),
}


@cache
def tried(name):
    fit = fitted(*FORMULAS[name])
    every = focal_functions(fit.design, [*fit.design.coef_names])
    return alternatives_part(fit, every, "satterthwaite", 0.95)


@pytest.mark.parametrize(("name", "analysis"), [(name, analysis) for name in R for analysis in R[name]])
def test_the_same_as_lme4_and_lmertest(name, analysis):
    found, expected = tried(name), R[name][analysis]
    attempt = next(a for a in found.attempts if a.label == analysis)
    np.testing.assert_allclose(attempt.fit.criterion, expected["criterion"], atol=2e-6)
    np.testing.assert_allclose(attempt.fit.aic, expected["AIC"], atol=2e-6)
    own = attempt.fit.tests()
    np.testing.assert_allclose(own["estimate"], expected["estimate"], rtol=1e-4)
    np.testing.assert_allclose(own["se"], expected["se"], rtol=1e-4)
    # lmerTest differentiates numerically; at a variance of zero its df are those of the step
    if not (attempt.fit.is_singular and name != "salary"):
        np.testing.assert_allclose(own["df"], expected["df"], rtol=2e-3)
        np.testing.assert_allclose(own["p"], expected["p"], rtol=5e-3, atol=1e-10)


@pytest.mark.parametrize("name", ["salary", "sleepstudy"])
def test_other_scales_are_the_same_model_told_in_the_same_units(name):
    found = tried(name)
    table, effects = found.table, found.effects.set_index(["analysis", "effect"])
    same = table.index[table["kind"] == "rescaled"]
    assert len(same) == 2
    np.testing.assert_allclose(table.loc[same, "difference"], 0, atol=1e-6)
    np.testing.assert_allclose(table.loc[same, "AIC"], table["AIC"].iloc[0], atol=1e-6)
    first = effects.loc[table.index[0]]
    for analysis in same:
        for column in ("estimate", "se", "df", "lower", "upper"):
            np.testing.assert_allclose(effects.loc[analysis, column], first[column], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("reml", [True, False])
def test_criteria_on_the_scale_of_the_first(reml):
    """The shift is exact at any theta: there is nothing to optimise where no slope is random."""
    data = _frame()
    fit = fitted("y ~ x * f + z + (0 + x | g)", data, reml=reml)
    for made in rescaled(fit.design):
        other = MarginalLikelihood.of(made.design)
        shift = 2 * made.log_det if reml else 0.0
        m = other.covariance.m
        np.testing.assert_allclose(
            other.criterion(np.zeros(m), reml) + shift, fit.likelihood.criterion(np.zeros(m), reml), rtol=1e-10
        )
        np.testing.assert_allclose(made.design.X @ np.linalg.inv(made.back), fit.design.X, atol=1e-8)


def test_without_correlations_another_origin_is_another_model():
    data = _frame()
    every = alternatives_part(*_asked("y ~ x + (x | g)", data)).table["difference"]
    split = alternatives_part(*_asked("y ~ x + (x || g)", data)).table["difference"]
    assert abs(every["centred x"]) < 1e-6
    assert abs(split["centred x"]) > 1e-3


@pytest.mark.parametrize(
    ("formula", "labels"),
    [
        ("y ~ x + (x | g)", ["centred x", "scaled x"]),
        ("y ~ x + z + (x + z | g)", ["centred x, z", "scaled x, z"]),
        ("y ~ log(x) + x + (x | g)", []),  # `scale(x)` inside the logarithm would be another model
        ("y ~ x + (log(x) | g)", []),
        ("y ~ x + (1 | g)", []),
        ("y ~ f + (f | g)", []),
        ("y ~ 0 + x + (x | g)", []),  # another origin is another fixed part
    ],
)
def test_what_is_rescaled(formula, labels):
    assert [m.label for m in rescaled(fitted(formula, _frame()).design)] == labels


def test_likelihood_ratios_are_those_of_ranova():
    fit = fitted(*FORMULAS["sleepstudy"])
    row, expected = tried("sleepstudy").table.loc["(1 | Subject)"], fit.ranova().table.iloc[1]
    for column in ("LRT", "Df", "p", "p_boundary"):
        np.testing.assert_allclose(row[column], expected[column])
    assert row["reference_boundary"] == "0.5 chi2(1) + 0.5 chi2(2)"
    assert row["against"]
    assert not tried("salary").table.loc["(1 | major)", "against"]
    assert tried("dyestuff2").table.loc["without (1 | Batch)", "reference_boundary"].startswith("exact RLRT")


def test_optimisers_agree_where_the_fit_is_an_optimum():
    assert tried("salary").optimisers_agree
    assert set(tried("salary").table["kind"]) >= {"optimiser", "rescaled", "no correlation", "no slope", "no term"}
    assert tried("salary").table.loc["optimiser bobyqa", "difference"] >= -1e-9


def test_kenward_roger_stands_beside_a_reml_fit():
    fit = fitted(SALARY, "salary")
    effects = tried("salary").effects.set_index(["analysis", "effect"])
    expected = fit.tests("kenward-roger").loc["grade"]
    for column in ("estimate", "se", "df", "p"):
        np.testing.assert_allclose(effects.loc[("Kenward-Roger", "grade"), column], expected[column])
    by_ml = fitted(SALARY, "salary", reml=False)
    table = alternatives_part(by_ml, focal_functions(by_ml.design, None), "satterthwaite", 0.95).effects
    assert "Kenward-Roger" not in set(table["analysis"])


def test_simplified_until_not_singular():
    rng = np.random.default_rng(3)
    rows = [(s, i, a, b) for s in range(12) for i in range(8) for a in (-0.5, 0.5) for b in (-0.5, 0.5)]
    data = pd.DataFrame(rows, columns=["subj", "item", "a", "b"])
    data["y"] = 30 * data["a"] + rng.normal(0, 40, 12)[data["subj"]] + rng.normal(0, 60, len(data))
    data = data.astype({"subj": str, "item": str})
    found = alternatives_part(*_asked("y ~ a * b + (a * b | subj) + (a | item)", data))
    last = found.attempts[-1]
    assert last.kind == "not singular"
    assert not last.fit.is_singular
    assert found.attempts[0].fit.is_singular
    assert last.fit.criterion - found.attempts[0].fit.criterion < 8
    refitted = fitted(last.formula, data)
    np.testing.assert_allclose(refitted.criterion, last.fit.criterion, atol=1e-6)


def test_effects_that_matter():
    design = fitted(SALARY, "salary").design
    assert list(focal_functions(design, None).labels["contrast"]) == ["grade"]
    assert list(focal_functions(fitted(*FORMULAS["dyestuff2"]).design, None).labels["contrast"]) == ["(Intercept)"]
    difference = focal_functions(fitted(*FORMULAS["machines"]).design, "MachineB - MachineC")
    np.testing.assert_array_equal(difference.L, [[0, 1, -1]])


@pytest.mark.parametrize(
    ("focal", "said"),
    [("grad", "did you mean `grade`"), ("grade = 1", "held against zero"), (["grade", "grade"], "twice")],
)
def test_effects_that_cannot_be_compared(focal, said):
    with pytest.raises(ArgumentError, match=said):
        focal_functions(fitted(SALARY, "salary").design, focal)


@pytest.mark.parametrize(
    ("lower", "upper", "said"), [(0.1, 2, "positive"), (-2, -0.1, "negative"), (-1, 1, "open"), (0.0, 1, "open")]
)
def test_what_an_interval_says(lower, upper, said):
    assert conclude(lower, upper) == said


def test_a_model_without_fixed_effects():
    fit = fitted("y ~ 0 + (1 | g)", _frame())
    found = alternatives_part(fit, focal_functions(fit.design, None), "satterthwaite", 0.95)
    assert found.effects.empty
    assert list(found.table["kind"]) == ["as fitted", "optimiser", "optimiser", "no term"]


def _asked(formula, data):
    fit = fitted(formula, data)
    return fit, focal_functions(fit.design, None), "satterthwaite", 0.95


@cache
def _frame():
    rng = np.random.default_rng(2)
    g = np.repeat(np.arange(9), 14)
    x = rng.normal(8, 1, g.size)
    slope = rng.normal(0, 0.8, 9)
    f = np.array(list("ab"))[rng.integers(0, 2, g.size)]
    y = x + rng.normal(0, 2, 9)[g] + slope[g] * x + rng.normal(0, 1, g.size)
    return pd.DataFrame({"y": y, "x": x, "z": rng.normal(5, 2, g.size), "f": f, "g": g.astype(str)})
