"""Every remark appears where it should, not where it should not, and its cure runs and makes it go away."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import bayeslmm as blm
from bayeslmm.explaining.remarks.replicates import replicates


def school(n: int = 240) -> pd.DataFrame:
    rng = np.random.default_rng(8)
    g = np.arange(n) % 12
    return pd.DataFrame(
        {
            "y": rng.normal(0, 1, n) + rng.normal(0, 1, 12)[g],
            "x": rng.normal(0, 1, n),
            "size": rng.normal(0, 1, 12)[g],
            "year": 2010 + rng.integers(-4, 5, n),
            "f": np.array(["lo", "hi"])[rng.integers(0, 2, n)],
            "g": [f"g{i:02}" for i in g],
            "few": [f"s{i % 3}" for i in g],
            "age": rng.normal(40, 10, n).round(1),
            "number": np.arange(n) // 2,
            "row": [f"r{i}" for i in range(n)],
            "nearly": [f"r{max(i - 40, i // 10)}" for i in range(n)],
        }
    )


def classes() -> pd.DataFrame:
    """Classes numbered from 1 in every school; schools have 2 to 4 of them."""
    rng = np.random.default_rng(2)
    rows = [(s, c + 1) for s in range(10) for c in range(2 + s % 3) for _ in range(5)]
    data = pd.DataFrame(rows, columns=["school", "class_"])
    return data.assign(y=rng.normal(size=len(data)) + data["school"])


CASES = [
    ("constant slope", "y ~ x + (size | g)", school, "y ~ x + (x | g)"),
    ("constant slope", "y ~ x + (0 + size | g)", school, "y ~ x + (0 + x | g)"),
    ("constant slope", "y ~ f + (f + x || few) + (size | g)", school, "y ~ f + (f | g)"),
    ("missing slope", "y ~ x + (1 | g)", school, "y ~ size + (1 | g)"),
    ("missing slope", "y ~ x * f + (x + f | g)", school, "y ~ x * f + (x * f | g)"),
    ("missing slope", "y ~ x * size + (1 | g)", school, "y ~ x * size + (x | g)"),
    ("far from zero", "y ~ year + (1 | g)", school, "y ~ I(year - 2010) + (1 | g)"),
    ("far from zero", "y ~ age + (age | g)", school, "y ~ age + (1 | g)"),
    ("few levels", "y ~ x + (x | few)", school, "y ~ x + (x | g)"),
    ("few levels", "y ~ x + (x | g) + (1 | few)", school, "y ~ x + few + (x | g)"),
    ("one row per level", "y ~ x + (1 | row)", school, "y ~ x + (1 | g)"),
    ("one row per level", "y ~ x + (x | g) + (1 | nearly)", school, "y ~ x + (1 | g)"),
    ("numeric group", "y ~ x + (1 | age)", school, "y ~ x + (1 | g)"),
    ("numeric group", "y ~ x + (1 | number)", school, "y ~ x + (1 | factor(number))"),
    ("re-used labels", "y ~ 1 + (1 | school) + (1 | class_)", classes, "y ~ 1 + (1 | school / class_)"),
]


@pytest.mark.filterwarnings("ignore:boundary", "ignore:the fit did not converge", "ignore:the fixed part is rank")
@pytest.mark.parametrize(("check", "formula", "data", "fine"), CASES, ids=[f"{c[0]}: {c[1]}" for c in CASES])
def test_remark_and_cure(check, formula, data, fine):
    data = data()
    before = data.copy()
    found = blm.advise(formula, data).table.set_index("check")
    assert check in found.index
    assert check not in set(blm.advise(fine, data).table["check"])
    row = found.loc[[check]].iloc[0]
    assert row["what"] in str(blm.explain(formula, data).advice).replace("\n  ", " ")
    cured = [eval(line, {"blm": dry(), "data": data}) for line in row["cure"].splitlines()]
    if check != "few levels":
        left = blm.advise(cured[-1]) if hasattr(cured[-1], "model") else None
        assert left is None or row["what"] not in set(left.table["what"])
    pd.testing.assert_frame_equal(data, before)


def dry() -> SimpleNamespace:
    """`blm` without the sampling: brm checks its arguments, priors included, and stops there."""
    return SimpleNamespace(lmer=blm.lmer, lm=blm.lm, explain=blm.explain, brm=lambda f, d: blm.Model(f, d).priors.table)


def test_a_good_model_is_left_alone():
    assert blm.advise("Reaction ~ Days + (Days | Subject)", blm.datasets.load("sleepstudy")).ok
    assert blm.advise("strength ~ 1 + (1 | batch/cask)", blm.datasets.load("pastes")).ok
    assert str(blm.advise("y ~ x + (x | g)", school())) == "nothing to advise: formula and data fit"


def trials(subjects: int, items: int, between: str, rows: int = 3) -> pd.DataFrame:
    """Every subject with every item, which differ by themselves ("items") or anew for each subject ("pairs")."""
    rng = np.random.default_rng(1)
    data = pd.DataFrame(
        [(f"s{s:02}", i + 1) for s in range(subjects) for i in range(items) for _ in range(rows)],
        columns=["subject", "item"],
    )
    which = data["item"] - 1 if between == "items" else np.arange(len(data)) // rows
    return data.assign(y=rng.normal(size=len(data)) + rng.normal(0, 1.5, which.max() + 1)[which])


@pytest.mark.parametrize(
    ("subjects", "items", "between", "expected"),
    [(20, 30, "pairs", False), (30, 12, "pairs", True), (30, 12, "items", False), (6, 6, "pairs", False)],
    ids=["more items than subjects", "fewer, other ones for each", "fewer, the same for all", "as many"],
)
def test_crossed_factors_are_doubted_only_where_the_rows_speak_against_them(subjects, items, between, expected):
    """Crossed and nested data with as many classes everywhere have the same labels: a remark of the lower severity."""
    table = blm.advise("y ~ 1 + (1 | subject) + (1 | item)", trials(subjects, items, between)).table
    assert ("re-used labels" in set(table["check"])) is expected
    assert (table.loc[table["check"] == "re-used labels", "severity"] == 1).all()


@pytest.mark.parametrize(
    ("formula", "data"),
    [
        ("diameter ~ 1 + (1 | plate) + (1 | sample)", "penicillin"),
        ("score ~ 1 + (1 | Worker) + (1 | Machine)", "machines"),
        ("score ~ Machine + (1 | Worker) + (1 | Worker:Machine)", "machines"),
        ("yield ~ nitro + (1 | Block) + (1 | Variety)", "oats"),
        ("angle ~ temp * recipe + (1 | recipe:replicate)", "cake"),
        ("angle ~ temp * recipe + (1 | replicate)", "cake"),
        ("strength ~ 1 + (1 | batch) + (1 | sample)", "pastes"),
    ],
)
def test_labels_with_a_meaning_are_left_alone(formula, data):
    assert "re-used labels" not in set(blm.advise(formula, blm.datasets.load(data)).table["check"])


def test_visits_of_patients_who_drop_out_are_left_alone():
    rng = np.random.default_rng(4)
    data = pd.DataFrame([(f"p{p}", v + 1) for p in range(20) for v in range(2 + p % 4)], columns=["patient", "visit"])
    data["y"] = rng.normal(size=len(data)) + data["visit"]
    assert "re-used labels" not in set(blm.advise("y ~ 1 + (1 | patient) + (1 | visit)", data).table["check"])


def test_casks_of_a_batch_are_not_those_of_another():
    """The cure is the model of the slash; the sds in the remark are lme4's, with no more between casks."""
    pastes = blm.datasets.load("pastes")
    row = blm.advise("strength ~ 1 + (1 | batch) + (1 | cask)", pastes).table.set_index("check").loc["re-used labels"]
    assert "sd 0 between labels, 2.9 between labels within `batch`" in row["what"]
    cured, meant = eval(row["cure"], {"blm": blm, "data": pastes}), blm.lmer("strength ~ 1 + (1 | batch/cask)", pastes)
    assert cured.criterion == pytest.approx(meant.criterion, abs=1e-8)


@pytest.mark.filterwarnings("ignore:boundary")
def test_the_sds_of_the_remark_are_those_of_the_model_with_both():
    machines = blm.datasets.load("machines")
    formula = "score ~ 1 + (1 | Worker) + (1 | Machine)"
    found = replicates(blm.explain(formula, machines).anatomy, "Machine", "Worker")
    whole = blm.lmer(f"{formula} + (1 | Worker:Machine)", machines)
    sds = whole.varcorr.set_index("group")["sd"]
    np.testing.assert_allclose(
        [found.label_sd, found.combination_sd], sds[["Machine", "Worker:Machine"]].to_numpy(float), rtol=1e-5
    )
    LRT = whole.ranova().table["LRT"]
    assert found.labels_differ == (LRT["(1 | Machine)"] > 2.71)
    assert found.combinations_differ == (LRT["(1 | Worker:Machine)"] > 2.71)
    assert found.crossed
    assert not found.nested


def test_labels_that_start_anew_in_groups_of_different_size_are_certain():
    table = blm.advise("y ~ 1 + (1 | school) + (1 | class_)", classes()).table.set_index("check")
    assert table.loc["re-used labels", "severity"] == 2
    assert table.loc["re-used labels", "cure"] == "blm.lmer('y ~ 1 + (1 | school) + (1 | school:class_)', data)"


def test_what_build_refuses_otherwise_comes_first():
    data = school().assign(one="same")
    assert blm.advise("y ~ x + (1 | one) + (1 | g)", data).table.loc[0, "check"] == "one level"
    table = blm.advise("y ~ x + (x * f * year | row)", data).table
    assert table.loc[0, "severity"] == 3
    refused = blm.advise("y ~ x + (1 | g) + (1 | g)", data).table
    assert refused.loc[0, "check"] == "refused"
    assert "stands twice" in refused.loc[0, "what"]


def test_intercept_far_outside_is_told_without_random_slopes_too():
    row = blm.advise("y ~ year + (year | g)", school()).table.set_index("check").loc["far from zero"]
    assert "random slope in `g`" in row["what"]
    assert row["severity"] == 2
    assert 'data["year"] - 2010' in row["cure"]


@pytest.mark.filterwarnings("ignore::bayeslmm.errors.SingularFitWarning")
@pytest.mark.parametrize(
    ("formula", "change"),
    [
        ("y ~ log(age) * f + (log(age) | g)", lambda d: d.assign(age=np.exp(9 + d["x"] / 50))),
        ("y ~ age + (age | g)", lambda d: d.assign(age=40_123.4 + d["x"])),
        ("y ~ age + (age | g)", lambda d: d.assign(age=-0.0123 + d["x"] / 1e5)),
    ],
    ids=["log", "far", "negative"],
)
def test_what_is_far_from_zero_is_centred_itself(formula, change):
    """A transformed column is not the column shifted: the intercept and its sd move, the criterion does not."""
    data = change(school())
    row = blm.advise(formula, data).table.set_index("check").loc["far from zero"]
    cured = eval(row["cure"], {"blm": blm, "data": data})
    assert "far from zero" not in set(blm.advise(cured).table["check"])
    slope = formula.split()[2]
    shifted = next(n for n in cured.fixef.index if n != "(Intercept)")
    np.testing.assert_allclose(cured.fixef[shifted], blm.lmer(formula, data).fixef[slope], rtol=1e-3)


def test_weights_and_offset_go_into_the_cure():
    data = school().assign(w=lambda d: 1 + d["age"] / 100)
    array = np.linspace(0, 1, len(data))
    cure = blm.advise("y ~ x + (1 | g)", data, weights="w", offset=array).table.loc[0, "cure"]
    fit = eval(cure, {"blm": blm, "data": data, "offset": array})
    assert fit.loglik == blm.lmer("y ~ 1 + x + (1 + x | g)", data, weights="w", offset=array).loglik
    model = blm.Model("y ~ x + (1 | g)", data, weights="w")
    assert blm.advise(model).table.loc[0, "cure"] == "blm.lmer('y ~ 1 + x + (1 + x | g)', data, weights='w')"
