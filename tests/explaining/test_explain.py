"""What `explain` says of formulas of every kind: equations, counts, levels, other spellings."""

import re
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib.mathtext import MathTextParser

import bayeslmm as blm
from bayeslmm.errors import ArgumentError, FormulaError


def frame(n: int = 120) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    a = np.arange(n) % 5
    b = np.arange(n) // 5 % 4
    return pd.DataFrame(
        {
            "y": rng.normal(10, 1, n),
            "x": rng.normal(2, 1, n),
            "z": rng.normal(0, 1, n),
            "f": np.array(["lo", "mid", "hi"])[rng.integers(0, 3, n)],
            "w": rng.uniform(0.5, 2, n),
            "o": rng.normal(0, 1, n),
            "a": [f"a{i}" for i in a],
            "b": b + 1,
            "u_b": [f"{i}.{j}" for i, j in zip(a, b, strict=True)],
            "g": np.arange(n) % 6,
            "my group": np.arange(n) % 8,
            "level_of_a": a.astype(float),
        }
    )


FORMULAS = [
    "y ~ x + (x | g)",
    "y ~ x + (x || g)",
    "y ~ 1 + (1 | g) + (0 + x | g)",
    "y ~ x * z + (x + z | g)",
    "y ~ x * f + (1 | a / b)",
    "y ~ f + (f | g)",
    "y ~ f + (f || g)",
    "y ~ 0 + f + (0 + f | g)",
    "y ~ 0 + x + (0 + x | g)",
    "y ~ 0 + (1 | g)",
    "y ~ x - 1 + (1 | a) + (1 | u_b)",
    "y ~ x + (x | a:u_b) + (x | a)",
    "log(y) ~ poly(x, 2) + I(z^2) + (scale(x) | g)",
    "y ~ bs(x, 4) + offset(o) + (1 | `my group`)",
    "y ~ x + (1 | a * b)",
    "y ~ x + (1 | a + b)",
    "y ~ (x + z + f)^2 + (x:z | g)",
    "y ~ level_of_a * x + (x | a)",
    "y ~ x + z",
]


@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize("with_data", [True, False], ids=["data", "no data"])
def test_every_formula_is_explained(formula, with_data):
    found = blm.explain(formula, frame() if with_data else None)
    text = str(found)
    assert formula in text
    assert list(found.table["part"].unique()[:1]) in (["fixed"], ["random"])
    assert found.table["meaning"].str.len().gt(20).all()
    assert found.table["parameters"].sum() == found.parameters["total"]
    assert max(map(len, found._levels().splitlines()), default=0) <= 100
    assert f"```\n{formula}" in found._repr_markdown_()
    assert (not with_data) or found.anatomy.problem == ""


@pytest.mark.parametrize("formula", FORMULAS)
def test_the_parameters_are_those_of_the_model(formula):
    found = blm.explain(formula, frame())
    if "|" not in formula:
        assert found.parameters.to_dict() == {"fixed": 3, "sd": 0, "cor": 0, "sigma": 1, "total": 4}
        return
    model = blm.Model(formula, frame())
    assert found.parameters["total"] == model.design.p + model.likelihood.covariance.m + 1
    assert found.groups["levels"].to_dict() == {t.group: t.n_levels for t in model.design.terms}


@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize("with_data", [True, False], ids=["data", "no data"])
def test_latex_can_be_typeset(formula, with_data):
    latex = blm.explain(formula, frame() if with_data else None).latex
    lines = latex.removeprefix("\\begin{aligned}\n").removesuffix("\n\\end{aligned}")
    assert "aligned" not in lines
    typeset = MathTextParser("path")
    for line in re.split(r" \\\\(?:\[6pt\])?\n", lines):
        body, matrix = re.subn(r"\\begin\{pmatrix\}(.*)\\end\{pmatrix\}", r"\1", line)
        assert line.count("&") == 1 or matrix
        for piece in re.split(r"\\\\ |&", body):
            typeset.parse(f"${piece.strip()}$") if piece.strip() else None


@pytest.mark.filterwarnings("ignore:boundary")
@pytest.mark.parametrize("formula", FORMULAS)
def test_other_spellings_are_the_same_model(formula):
    data = frame()
    found = blm.explain(formula, data).spellings
    verb = (lambda f: blm.lmer(f, data).criterion) if "|" in formula else (lambda f: blm.lm(f, data).sigma)
    expected = verb(formula)
    for text in found["formula"]:
        assert verb(text) == pytest.approx(expected, abs=1e-5), text


def test_spellings_of_slashes_bars_and_stars():
    spelled = lambda f: set(blm.explain(f, frame()).spellings["formula"])  # noqa: E731
    assert "y ~ 1 + (1 | a/b)" in spelled("y ~ 1 + (1 | a) + (1 | a:b)")
    assert "y ~ 1 + (1 | a) + (1 | a:b)" in spelled("y ~ 1 + (1 | a/b)")
    assert "y ~ 1 + x + (1 | g) + (0 + x | g)" in spelled("y ~ x + (x || g)")
    assert "y ~ 1 + x + (1 + x || g)" in spelled("y ~ x + (1 | g) + (0 + x | g)")
    assert "y ~ x * z + (1 | g)" in spelled("y ~ x + z + x:z + (1 | g)")


def test_a_factor_with_a_double_bar_is_not_split():
    assert not any("(0 + f | g)" in s for s in blm.explain("y ~ f + (f || g)", frame()).spellings["formula"])


def test_nesting_that_the_labels_show_needs_no_combination():
    found = blm.explain("y ~ 1 + (1 | a/u_b)", frame())
    assert "y ~ 1 + (1 | u_b) + (1 | a)" in set(found.spellings["formula"])
    assert "the nesting is in the labels already" in " ".join(str(found).split())
    assert ("u_b", "is nested in", "a") in set(zip(*found.relations.iloc[:, :3].T.to_numpy(), strict=True))


def test_nesting_that_the_labels_do_not_show_needs_the_combination():
    found = blm.explain("y ~ 1 + (1 | a/b)", frame())
    assert "y ~ 1 + (1 | b) + (1 | a)" not in set(found.spellings["formula"])
    assert "`b:a` says more than `b`: 4 of its 4 labels occur in more than one level of `a`" in " ".join(
        str(found).split()
    )
    seen = {(r.first, r.relation, r.second) for r in found.relations.itertuples()}
    assert seen == {("b", "crosses", "a"), ("b:a", "is nested in", "a")}


def test_equations_of_sleepstudy():
    found = blm.explain("Reaction ~ Days + (Days | Subject)", blm.datasets.load("sleepstudy"))
    assert found.plain.splitlines() == [
        "combined",
        "  Reaction[i] = b0 + b1 Days + u0[Subject] + u1[Subject] Days + e[i]",
        "",
        "level 1: rows",
        "  Reaction[i] = a0[i] + a1[i] Days + e[i]",
        "",
        "level 2: coefficients that vary between groups",
        "  a0[i] = b0 + u0[Subject]",
        "  a1[i] = b1 + u1[Subject]",
        "",
        "distributions",
        "  (u0, u1)[Subject] ~ Normal(0, S_u)",
        "  S_u: sds sd_u0, sd_u1; correlations cor_u01",
        "  e[i] ~ Normal(0, sigma^2)",
    ]


def test_predictors_of_the_groups_stand_at_level_two():
    found = blm.explain("distance ~ age * Sex + (age || Subject)", blm.datasets.load("orthodont"))
    lines = [line.strip() for line in found.plain.splitlines()]
    assert "distance[i] = a0[i] + a1[i] age + e[i]" in lines
    assert "a0[i] = b0 + b2 SexFemale + u0[Subject]" in lines
    assert "a1[i] = b1 + b3 SexFemale + u1[Subject]" in lines


def test_levels_and_combined_form_say_the_same():
    """Put level 2 into level 1: every coefficient of the combined form comes back, once."""
    for formula in FORMULAS:
        plain = blm.explain(formula, frame()).plain
        combined = plain.split("level 1")[0]
        levels = plain.split("level 1")[1].split("distributions")[0] if "level 1" in plain else combined
        symbols = set(re.findall(r"\bb\d+\b|\b[uvw]\d+\[", combined))
        assert symbols
        for symbol in symbols:
            assert levels.count(f" {symbol}") == 1, (formula, symbol)


def test_a_model_that_cannot_be_fitted_is_explained():
    data = frame().assign(row=lambda d: [f"r{i}" for i in range(len(d))])
    found = blm.explain("y ~ x + (x | row)", data)
    assert found.anatomy.design is None
    assert "! the model cannot be fitted: (x | row)" in str(found)
    assert found.groups.loc["row"].tolist() == [120, 1, 1, 1]


def test_a_model_a_fit_and_options_are_taken():
    options = {"weights": "w", "offset": "o", "contrasts": {"f": "sum"}}
    model = blm.Model("y ~ f + (1 | a)", frame(), **options)
    by_hand = blm.explain("y ~ f + (1 | a)", frame(), **options)
    assert str(blm.explain(model)) == str(by_hand)
    assert "e[i] ~ Normal(0, sigma^2 / w[i])" in by_hand.plain
    assert "2 sum contrasts" in str(by_hand)
    assert "y[i] = offset + b0" in by_hand.plain


def test_dropped_columns_and_rows_are_told():
    data = frame().assign(twice=lambda d: 2 * d["x"])
    data.loc[3:5, "x"] = np.nan
    found = blm.explain("y ~ x + twice + (1 | a)", data)
    assert found.parameters["fixed"] == 2
    assert "it adds nothing" in str(found)
    assert "117 rows; 3 left out" in str(found)


def test_long_terms_are_cut_short():
    data = frame().assign(many=[f"m{i % 20:02}" for i in range(120)])
    line = blm.explain("y ~ many + (1 | a)", data).plain.splitlines()[1]
    assert line == "  y[i] = b0 + b1 manym01 + b2 manym02 + ... + b19 manym19 + u0[a] + e[i]"


def test_bad_input():
    with pytest.raises(FormulaError, match="no column `xx`"):
        blm.explain("y ~ xx + (1 | a)", frame())
    with pytest.raises(ArgumentError, match="no argument `weight`; did you mean `weights`"):
        blm.explain("y ~ x + (1 | a)", frame(), weight="w")
    with pytest.raises(ArgumentError, match="brings its data along"):
        blm.explain(blm.Model("y ~ x + (1 | a)", frame()), frame())
    with pytest.raises(ArgumentError, match="advise needs the data"):
        blm.advise("y ~ x + (1 | a)")


def test_names_with_special_characters_can_be_typeset():
    data = frame().rename(columns={"x": "50% of_x & {more} #1 $ \\ ~ ^", "a": "the-group"})
    found = blm.explain("y ~ `50% of_x & {more} #1 $ \\ ~ ^` + (1 | `the-group`)", data)
    line = found.latex.splitlines()[1].split("&=")[1].removesuffix(" \\\\[6pt]")
    MathTextParser("path").parse(f"${line}$".replace(r"\&", "").replace(r"\#", ""))  # LaTeX has them, mathtext has not
    assert r"\mathrm{50\%\ of\_x\ \&\ \{more\}\ \#1\ \$" in line


@pytest.mark.parametrize("formula", FORMULAS)
def test_equations_as_mathml(formula):
    shown = blm.explain(formula, frame())._repr_html_()
    assert shown.count("<math") == shown.count("</math>") == 1
    formula = shown[shown.index("<math") : shown.index("</math>")]
    assert "\\" not in formula
    assert "pt" not in re.findall(r"<m[iotn][^>]*>([^<]*)<", formula)


def test_notebooks_without_the_library_show_latex(monkeypatch):
    monkeypatch.setitem(sys.modules, "math_core", None)
    found = blm.explain("y ~ x + (x | g)")
    assert found._repr_html_() is None
    assert f"$$\n{found.latex}\n$$" in found._repr_markdown_()


def test_notebooks_show_text_around_the_equations(monkeypatch):
    class Writer:
        def convert_with_local_state(self, latex, displaystyle):
            assert displaystyle
            assert "[6pt]" not in latex
            return f"<math>{latex.count('=')}</math>"

    monkeypatch.setitem(sys.modules, "math_core", SimpleNamespace(LatexToMathML=Writer, LatexError=ValueError))
    found = blm.explain("y ~ x + (x | g)")
    before, rest = found._repr_html_().split(f"<math>{found.latex.count('=')}</math>")
    assert "y ~ x + (x | g)" in before
    assert "6 parameters" in rest
    assert found.plain.splitlines()[1] not in before + rest
