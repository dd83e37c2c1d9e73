"""Every remark appears where it should, not where it should not, and its cure runs and makes it go away."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import bayeslmm as blm


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


@pytest.mark.parametrize(
    ("subjects", "items", "expected"),
    [(20, 30, False), (30, 20, True), (6, 6, False)],
    ids=["more items than subjects", "fewer, numbered", "as many"],
)
def test_crossed_factors_are_doubted_only_where_the_labels_count_and_are_fewer(subjects, items, expected):
    """Crossed and nested data with as many classes everywhere look alike: a remark of the lower severity."""
    rows = [(f"s{s}", i + 1) for s in range(subjects) for i in range(items) for _ in range(2)]
    data = pd.DataFrame(rows, columns=["subject", "item"])
    data["y"] = np.random.default_rng(1).normal(size=len(data))
    table = blm.advise("y ~ 1 + (1 | subject) + (1 | item)", data).table
    assert ("re-used labels" in set(table["check"])) is expected
    assert (table.loc[table["check"] == "re-used labels", "severity"] == 1).all()


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
