"""Comparisons of models: R's tables, what must not be compared, reference distributions by name."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

import bayeslmm as blm
from bayeslmm.errors import ArgumentError, NotAvailableError
from tests.reference_cases import arguments, case_names, load_case, load_frame, numbers

PRINTED = Path(__file__).parents[1] / "reference" / "comparison"
SLEEP = {
    1: "Reaction ~ Days + (1 | Subject)",
    2: "Reaction ~ Days + (Days || Subject)",
    3: "Reaction ~ Days + (Days | Subject)",
}
THREE = "y ~ x1 + x2 + (x1 + x2 | g)"
WITH_RANOVA = [(n, m) for n in case_names() for m in ("REML", "ML") if load_case(n)[m].get("ranova")]


def sleep(formula, **options):
    return blm.lmer(formula, blm.datasets.load("sleepstudy"), data_name="data", **options)


def lines(text):
    """The lines up to what R does not say, without trailing blanks and R's spelling of the model."""
    text = text.split("\nVariances of zero")[0].split("\nReference dist")[0]
    kept = [line.rstrip() for line in text.splitlines() if line != "refitting model(s) with ML (instead of REML)"]
    at = kept.index("Model:") + 1 if "Model:" in kept else None
    return [line for i, line in enumerate(kept) if i != at]


def three(formula):
    return blm.lmer(formula, load_frame(load_case("three_slopes")))


def machines(formula):
    return blm.lmer(formula, blm.datasets.load("machines"), data_name="data")


FIXED = ("Reaction ~ 1 + (Days | Subject)", "Reaction ~ Days + I(Days^2) + (Days | Subject)")


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("sleep_reml", lambda: sleep(SLEEP[1]).anova(sleep(SLEEP[2]), sleep(SLEEP[3]))),
        ("sleep_ml", lambda: sleep(SLEEP[1]).anova(sleep(SLEEP[2]), sleep(SLEEP[3]), refit=True)),
        ("sleep_fixed", lambda: sleep(FIXED[0]).anova(sleep(FIXED[1]))),
        (
            "machines_reml",
            lambda: machines("score ~ Machine + (1 | Worker)").anova(
                machines("score ~ Machine + (1 | Worker/Machine)")
            ),
        ),
        ("sleep_ranova", lambda: sleep(SLEEP[3]).ranova()),
        ("sleep_uncorr_ranova", lambda: sleep(SLEEP[2]).ranova()),
        ("machines_ranova", lambda: machines("score ~ Machine + (1 | Worker/Machine)").ranova()),
        ("machines_cell_ranova", lambda: machines("score ~ Machine + (0 + Machine | Worker)").ranova()),
        ("three_slopes_ranova", lambda: three(THREE).ranova()),
        ("three_slopes_uncorr_ranova", lambda: three(THREE.replace(" |", " ||")).ranova()),
    ],
)
def test_tables_are_printed_as_r_prints_them(name, make):
    assert lines(str(make())) == lines((PRINTED / f"{name}.txt").read_text())


def test_a_linear_model_is_a_mixed_one_without_groups():
    theirs = lines((PRINTED / "sleep_lm.txt").read_text().replace("model4", "model2"))
    linear = blm.lm("Reaction ~ Days", blm.datasets.load("sleepstudy"))
    assert lines(str(sleep(SLEEP[1]).anova(linear, refit=True))) == theirs
    reml = sleep(SLEEP[1]).anova(linear)
    assert_allclose(reml.table["Chisq"].iloc[1], sleep(SLEEP[1]).ranova().table["LRT"].iloc[1], rtol=1e-8)
    assert reml.table["reference_boundary"].iloc[1] == "exact RLRT, 10000 draws"


@pytest.mark.parametrize(("name", "method"), WITH_RANOVA)
@pytest.mark.filterwarnings("ignore::bayeslmm.errors.SingularFitWarning")
def test_ranova_equals_that_of_lmertest(name, method):
    case = load_case(name)
    r = case[method]["ranova"]
    found = blm.lmer(case["formula"], load_frame(case), reml=method == "REML", **arguments(case)).ranova().table
    assert list(found.index) == r["term"]
    assert_allclose(found["npar"], r["npar"])
    assert_allclose(found["logLik"], r["logLik"], atol=2e-5)
    assert_allclose(found["AIC"], r["AIC"], atol=4e-5)
    assert_allclose(found["LRT"].iloc[1:], numbers(r["LRT"][1:]), atol=1e-4)
    assert_allclose(found["p"].iloc[1:], numbers(r["p"][1:]), rtol=1e-3, atol=1e-12)


def test_refits_are_made_where_fixed_effects_differ_and_said():
    a, b = sleep(FIXED[0]), sleep(SLEEP[3])
    table = a.anova(b)
    assert table.notes == ("refitting model(s) with ML (instead of REML)",)
    ml = [sleep(f, reml=False).criterion for f in (FIXED[0], SLEEP[3])]
    assert_allclose(table.table["deviance"], ml, rtol=1e-9)
    assert sleep(SLEEP[1]).anova(b).notes == ()
    assert "refitting" in str(sleep(SLEEP[1], reml=False).anova(b))
    # the fits themselves are not changed
    assert a.reml
    assert_allclose(a.criterion, sleep(FIXED[0]).criterion)


def test_the_name_of_each_reference_is_in_the_table():
    table = sleep(SLEEP[1]).anova(sleep(SLEEP[2]), sleep(SLEEP[3])).table
    assert list(table["reference"]) == ["", "chi2(1)", "chi2(1)"]
    # a correlation of zero is no boundary
    given = "RLRT given the other random effects, 10000 draws"
    assert list(table["reference_boundary"]) == ["", given, ""]
    whole = sleep(SLEEP[1]).anova(sleep(SLEEP[3])).table
    assert whole["reference_boundary"].iloc[1] == "0.5 chi2(1) + 0.5 chi2(2)"
    penicillin = blm.datasets.load("penicillin")
    crossed = blm.lmer("diameter ~ 1 + (1 | plate) + (1 | sample)", penicillin).ranova()
    assert list(crossed.table["reference_boundary"]) == ["", given, given]
    assert f"(1 | plate): p = 9.999e-05 by {given}" in str(crossed)
    ml = blm.lmer("diameter ~ 1 + (1 | plate) + (1 | sample)", penicillin, reml=False).ranova().table
    assert ml["reference_boundary"].iloc[1] == given[1:]


@pytest.mark.filterwarnings("ignore::bayeslmm.errors.SingularFitWarning")
def test_correlated_slopes_beside_crossed_groups_have_the_bootstrap_alone():
    data = blm.datasets.load("sleepstudy").assign(Lab=["a", "b", "c"] * 60)
    table = blm.lmer("Reaction ~ Days + (Days | Subject) + (1 | Lab)", data).ranova().table
    words = table["reference_boundary"]
    assert words["Days in (Days | Subject)"].startswith("unknown for several variances at once, for correlated effects")
    assert words["(1 | Lab)"] == "RLRT given the other random effects, 10000 draws"


def test_the_bootstrap_agrees_with_the_exact_distribution():
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(6), 5)
    data = {"y": rng.normal(size=30) + 0.4 * rng.normal(size=6)[g], "g": g.astype(str)}
    fit = blm.lmer("y ~ 1 + (1 | g)", data)
    exact = fit.ranova().table.iloc[1]
    boot = fit.ranova(method="boot", n=800, seed=2).table.iloc[1]
    assert boot["reference_boundary"] == "parametric bootstrap, 800 refits"
    p = exact["p_boundary"]
    assert 0.02 < p < 0.6
    assert abs(boot["p_boundary"] - p) < 4 * np.sqrt(p * (1 - p) / 800)
    # the chi-square's p is about twice as large
    assert exact["p"] > 1.5 * p


def test_the_bootstrap_of_a_fixed_effect_is_near_the_chi_square():
    table = sleep(FIXED[0]).anova(sleep(SLEEP[3]), method="boot", n=99).table
    assert table["p_boundary"].iloc[1] == pytest.approx(0.01)
    assert "Reference distribution of each test" in str(sleep(SLEEP[1]).anova(sleep(SLEEP[3]), method="boot", n=9))


def test_models_that_do_not_contain_each_other_are_not_tested():
    other = sleep("Reaction ~ log(Days + 1) + I(Days^2) + (Days | Subject)")
    found = sleep(SLEEP[3]).anova(other)
    assert found.table["p"].isna().all()
    assert "model2 does not contain the model before it (its fixed effects are others)" in str(found)
    found = sleep("Reaction ~ Days + (0 + Days | Subject)").anova(sleep(SLEEP[1]))
    assert "its random effects are others" in str(found)


def test_the_same_fixed_effects_in_another_coding_are_refitted_but_nested():
    data = blm.datasets.load("machines")
    one = blm.lmer("score ~ Machine + (1 | Worker)", data)
    two = blm.lmer("score ~ Machine + (1 | Worker/Machine)", data, contrasts={"Machine": "sum"})
    found = one.anova(two)
    assert found.notes
    assert_allclose(
        found.table["Chisq"].iloc[1],
        one.anova(blm.lmer("score ~ Machine + (1 | Worker/Machine)", data), refit=True).table["Chisq"].iloc[1],
        rtol=1e-6,
    )


def test_terms_that_others_contain_stay():
    with pytest.warns(blm.errors.SingularFitWarning):
        fit = three("y ~ x1 * x2 + (x1 * x2 | g)")
    table = fit.ranova().table
    assert list(table.index) == ["<none>", "x1:x2 in (x1 * x2 | g)"]
    assert_allclose(table["LRT"].iloc[1], 0.47159, atol=2e-3)


def test_a_deletion_that_would_change_other_columns_is_refused():
    data = blm.datasets.load("machines").assign(day=["a", "b", "c"] * 18)
    with pytest.warns(blm.errors.SingularFitWarning):
        fit = blm.lmer("score ~ Machine + (0 + day + Machine | Worker)", data)
    with pytest.raises(NotAvailableError, match="the factor `Machine` would be coded by other columns"):
        fit.ranova()


def test_bad_requests_get_a_sentence():
    fit = sleep(SLEEP[1])
    with pytest.raises(ArgumentError, match=r"anova compares fits.*write type=1"):
        fit.anova(1)
    with pytest.raises(ArgumentError, match=r"anova compares fits of blm\.lmer or blm\.lm; got 'x'"):
        fit.anova("x")
    data = blm.datasets.load("sleepstudy")
    with pytest.raises(ArgumentError, match=r"got DataFrame$"):
        fit.anova(data)
    with pytest.raises(ArgumentError, match=r"different rows \(180 and 170\)"):
        fit.anova(blm.lmer(SLEEP[3], data.iloc[:170]))
    with pytest.raises(ArgumentError, match="different responses"):
        fit.anova(blm.lmer("log(Reaction) ~ Days + (Days | Subject)", data))
    with pytest.raises(ArgumentError, match="refit=False: REML criteria cannot be compared"):
        fit.anova(sleep(FIXED[0]), refit=False)
    with pytest.raises(ArgumentError, match=r'method="bot" is not known.*did you mean `boot`'):
        fit.ranova(method="bot")
    with pytest.raises(ArgumentError, match="n=0 must be a whole number"):
        fit.ranova(method="boot", n=0)
