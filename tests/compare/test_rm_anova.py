"""Repeated-measures ANOVA against afex and car, case by case, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import bayeslmm as blm
from bayeslmm.compare.rm_anova import rm_anova
from bayeslmm.errors import DataError
from tests.reference_cases import case_names, load_case, load_frame

CASES = case_names("rm_anova")


def analysed(name: str):
    case = load_case(name)
    fixed = case["formula"].split(" + Error")[0]
    design = blm.Model(f"{fixed} + (1 | {case['rm_anova']['id']})", load_frame(case)).design
    return rm_anova(design, design.terms[0])


def same(label: str, labels: list[str]) -> str:
    """The label of the same term, whatever the order of its factors."""
    return next(x for x in labels if set(x.split(":")) == set(label.split(":")))


@pytest.mark.parametrize("name", CASES)
def test_tests_are_those_of_afex(name):
    found, expected = analysed(name), load_case(name)["rm_anova"]
    assert found.n == expected["n_subjects"]
    assert list(found.within) == expected["within"]
    assert list(found.between) == (expected["between"] or [])
    table = found.table.loc[[same(t, list(found.table.index)) for t in expected["table"]["term"]]]
    assert len(table) == len(found.table)
    for column, key in (("df", "num_df"), ("error_df", "den_df"), ("F", "F"), ("p", "p"), ("ges", "ges")):
        assert_allclose(table[column], expected["table"][key], rtol=1e-8, err_msg=column)
    assert_allclose(table["error_ss"] / table["error_df"], expected["table"]["MSE"], rtol=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_sphericity_is_that_of_car(name):
    found, expected = analysed(name).table, load_case(name)["rm_anova"]
    tested, known = [], expected.get("sphericity") or {"term": []}
    for i, term in enumerate(known["term"]):
        row = found.loc[same(term, list(found.index))]
        tested.append(row.name)
        assert_allclose(row["gg"], known["gg_eps"][i], rtol=1e-8)
        assert_allclose(row["gg_p"], known["gg_p"][i], rtol=1e-7)
        assert_allclose(row["hf"], known["hf_eps"][i], rtol=1e-8)
        assert_allclose(row["hf_p"], known["hf_p"][i], rtol=1e-7)
    mauchly = expected.get("mauchly") or {"term": []}
    for i, term in enumerate(mauchly["term"]):
        row = found.loc[same(term, list(found.index))]
        assert_allclose(row["W"], mauchly["W"][i], rtol=1e-8)
        assert_allclose(row["W_p"], mauchly["p"][i], rtol=1e-7)
    corrected = load_case(name)["rm_anova"]["table_gg"]
    for term, df, p in zip(corrected["term"], corrected["num_df"], corrected["p"], strict=True):
        row = found.loc[same(term, list(found.index))]
        eps = row["gg"] if np.isfinite(row["gg"]) else 1.0
        assert_allclose([eps * row["df"], row["gg_p"] if row["gg"] > 0 else row["p"]], [df, p], rtol=1e-7)


def test_two_cells_are_a_paired_t_test():
    data = blm.datasets.load("sleepstudy")
    data = data[data["Days"].isin([0, 9])]
    design = blm.Model("Reaction ~ factor(Days) + (1 | Subject)", data).design
    row = rm_anova(design, design.terms[0]).table.loc["factor(Days)"]
    wide = data.pivot(index="Subject", columns="Days", values="Reaction")
    difference = wide[9] - wide[0]
    t = difference.mean() / (difference.std() / np.sqrt(18))
    assert row["F"] == pytest.approx(t**2)
    assert (row["df"], row["error_df"]) == (1, 17)
    assert row[["gg", "hf", "W"]].isna().all()


def test_three_factors_between_and_within():
    """Balanced: the same F as from nested sums of squares of cell means, by projection."""
    rng = np.random.default_rng(4)
    frame = pd.DataFrame(
        [(s, "gh"[s % 2], a, b) for s in range(10) for a in "pqr" for b in "xy"], columns=["s", "g", "a", "b"]
    )
    frame["y"] = rng.normal(size=60) + rng.normal(size=10)[frame["s"]]
    design = blm.Model("y ~ g * a * b + (1 | s)", frame).design
    table = rm_anova(design, design.terms[0]).table
    assert list(table.index) == ["g", "a", "b", "g:a", "g:b", "a:b", "g:a:b"]
    assert table["df"].tolist() == [1, 2, 1, 2, 1, 2, 2]
    assert table["error_df"].tolist() == [8, 16, 8, 16, 8, 16, 16]
    grand = frame["y"].mean()
    means = frame.groupby("a")["y"].mean()
    assert table.loc["a", "ss"] == pytest.approx(20 * ((means - grand) ** 2).sum())
    strata = table["error_ss"].drop_duplicates().sum()
    assert table["ss"].sum() + strata == pytest.approx(((frame["y"] - grand) ** 2).sum())


def test_the_text():
    text = str(analysed("rma_ergo")).splitlines()
    assert text[0] == "Repeated-measures ANOVA (type III): 9 levels of Subject; within: Type"
    assert text[2].split()[:6] == ["Type", "3", "24", "22.36", "3.93e-07", "0.646"]
    assert text[2].split()[6:] == ["3.01e-05", "0.849", "2.48e-06", "0.180", "0.0437"]
    assert analysed("rma_ergo")._repr_html_().startswith("<pre")


@pytest.mark.parametrize(
    ("formula", "options", "message"),
    [
        ("Reaction ~ Days + (1 | Subject)", {}, r"`Days` is numeric; as factor\(Days\) it has one"),
        ("Reaction ~ late + (1 | Subject)", {}, "Subject 308 has 5 rows at late = no, .*; average them first"),
        ("Reaction ~ old + (1 | Subject)", {}, "no factor of the fixed part varies within Subject"),
        ("Reaction ~ factor(Days) + (1 | Subject)", {"weights": "w"}, "this takes no weights"),
        ("Reaction ~ factor(Days) + Subject + (1 | Subject)", {}, "`Subject` stands in the fixed part too"),
    ],
)
def test_designs_without_it_are_refused(formula, options, message):
    data = blm.datasets.load("sleepstudy")
    data = data.assign(
        late=np.where(data["Days"] > 4, "yes", "no"), old=np.where(data["Subject"].astype(str) < "340", "a", "b"), w=2.0
    )
    design = blm.Model(formula, data, **options).design
    with pytest.raises(DataError, match=f"no repeated-measures ANOVA: {message}"):
        rm_anova(design, design.terms[0])


def test_a_missing_cell_is_named():
    data = blm.datasets.load("sleepstudy").drop(index=12)
    design = blm.Model("Reaction ~ factor(Days) + (1 | Subject)", data).design
    with pytest.raises(DataError, match=r"Subject 309 has 0 rows at factor\(Days\) = 2, and it needs one row"):
        rm_anova(design, design.terms[0])


def test_empty_cells_between_subjects_are_refused():
    frame = pd.DataFrame({"s": np.repeat(np.arange(8), 3), "a": list("pqr") * 8})
    frame["g"], frame["h"] = np.where(frame["s"] < 4, "g1", "g2"), np.where(frame["s"] < 6, "h1", "h2")
    frame["y"] = np.random.default_rng(1).normal(size=24)
    design = blm.Model("y ~ a + g + h + (1 | s)", frame).design
    with pytest.raises(DataError, match="not all combinations of g, h have subjects"):
        rm_anova(design, design.terms[0])
