"""Summaries, line by line, against what R prints, at the theta where R stopped (tests/reference/printed)."""

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import bayeslmm as blm
from bayeslmm.point.cone import Cone
from bayeslmm.point.estimates import estimates
from bayeslmm.results import rformat
from tests.reference_cases import HOME, arguments, load_case, load_frame

PRINTED = HOME / "printed"
NOTES = (
    "contrasts: ",
    "optimizer: ",
    "boundary (singular) fit",
    "fixed-effect matrix is rank",
    "23 rows with missing",
)
NOT_OURS = ("optimizer (nloptwrap)", "boundary (singular) fit", "fit warnings:", "fixed-effect model matrix is rank")
# R's numerical second derivatives lose some units of the last printed digit of the df
UNITS = {"sleep_weights": 1, "three_slopes": 3}

pytestmark = [
    pytest.mark.filterwarnings("ignore::bayeslmm.errors.SingularFitWarning"),
    pytest.mark.filterwarnings("ignore::bayeslmm.errors.DesignWarning"),
]


def printed(kind: str) -> list[str]:
    return sorted(p.name.removesuffix(f".{kind}.txt") for p in PRINTED.glob(f"*.{kind}.txt"))


def read(name: str, kind: str) -> tuple[pd.Series, list[str]]:
    """Theta, and the lines that R printed, without empty ones."""
    text = (PRINTED / f"{name}.{kind}.txt").read_text()
    theta = pd.Series(dtype=float)
    if text.startswith("theta"):
        first, text = text.split("\n", 1)
        theta = pd.Series(json.loads(first.removeprefix("theta ")))
    text = re.sub(r" \[\s*lmerModLmerTest\]", " [bayeslmm]", text).replace("likelihood . t", "likelihood. t")
    return theta, [line.rstrip() for line in text.replace("\n  method", " method").splitlines() if line.strip()]


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def pinned(name: str, theta: pd.Series, reml: bool) -> blm.Fit:
    """The fit at a given theta instead of the optimum."""
    case = load_case(name)
    fit = blm.lmer(case["formula"], load_frame(case), reml, **arguments(case), data_name="data")
    at = theta.reindex(fit.theta.index).to_numpy()
    full = Cone.of(fit.likelihood)
    cone, x = full.at(full.whitened(at), 1e-4)
    value = fit.likelihood.criterion(at, reml)
    optimum = replace(
        fit.optimum, theta=at, value=value, cone=cone, x=x, evaluation=fit.likelihood.evaluate_theta(at, reml)
    )
    return replace(fit, optimum=optimum, estimates=estimates(fit.likelihood, optimum, reml))


def same(ours: str, theirs: str, units: int) -> bool:
    """Whether two lines are the same, numbers up to some units of their last digit."""
    number = re.compile(r"-?\d+\.\d+")
    if ours == theirs:
        return True
    if not units or number.sub("#", ours) != number.sub("#", theirs):
        return False
    pairs = zip(number.findall(ours), number.findall(theirs), strict=True)
    return all(
        len(a.split(".")[1]) == len(b.split(".")[1])
        and abs(float(a) - float(b)) < (units + 0.1) * 10.0 ** -len(b.split(".")[1])
        for a, b in pairs
    )


@pytest.mark.parametrize(
    ("name", "kind"), [pytest.param(n, k, id=f"{n}-{k}") for k in ("REML", "ML") for n in printed(k)]
)
def test_the_summary_is_lmertests(name, kind):
    theta, theirs = read(name, kind)
    ours = lines(str(pinned(name, theta, kind == "REML").summary()))
    theirs = [line for line in theirs if not line.startswith(NOT_OURS)]
    body = [line for line in ours if not line.startswith(NOTES)]
    assert len(body) == len(theirs)
    different = [pair for pair in zip(body, theirs, strict=True) if not same(*pair, UNITS.get(name, 0))]
    assert different == []
    assert ours[len(body) :] == [line for line in ours if line.startswith(NOTES)]


@pytest.mark.parametrize("name", printed("anova"))
def test_the_anova_table_is_lmertests(name):
    theta, theirs = read(name, "anova")
    ours = lines(str(pinned(name, theta, True).anova()))
    assert [line for line in ours if not line.startswith(NOTES)] == theirs


@pytest.mark.parametrize("name", printed("lm"))
def test_the_summary_of_a_linear_model_is_rs(name):
    case = load_case(name)
    ours = lines(blm.lm(case["formula"], load_frame(case), **arguments(case)).summary())
    theirs = read(name, "lm")[1]
    start = next(i for i, line in enumerate(theirs) if "Residuals:" in line)
    # R puts two of the last lines on one
    flat = " ".join(" ".join(theirs[start:]).split())
    own = next(i for i, line in enumerate(ours) if "Residuals:" in line)
    assert " ".join(" ".join(line for line in ours[own:] if not line.startswith(NOTES)).split()) == flat.replace(
        ",  p-value", ", p-value"
    )


def test_what_r_leaves_unsaid_stands_below():
    case = load_case("rank_deficient")
    unnamed = str(blm.lmer(case["formula"], load_frame(case)).summary()).splitlines()
    assert unnamed[2] == f"   Data: {len(load_frame(case))} rows"
    fit = blm.lmer(case["formula"], load_frame(case), data_name="trial")
    text = lines(str(fit.summary()))
    assert text[1:3] == ["Formula: y ~ f * h + x + x2 + (1 | g)", "   Data: trial"]
    assert text[-3:-1] == [
        "contrasts: f treatment, h treatment",
        "fixed-effect matrix is rank deficient: 2 collinear columns left out: x2, fr:hv",
    ]
    assert text[-1].startswith("optimizer: lbfgs")
    assert text[-1].endswith("evaluations: converged")


@pytest.mark.parametrize(
    ("lost", "sentence"),
    [(1, "1 row with missing values left out (179 used)"), (2, "2 rows with missing values left out (178 used)")],
)
def test_rows_left_out_are_counted(lost, sentence):
    data = blm.datasets.load("sleepstudy")
    data.loc[: lost - 1, "Days"] = np.nan
    assert sentence in lines(str(blm.lmer("Reaction ~ Days + (1 | Subject)", data).summary()))


def test_weights_and_offset_are_named():
    data = blm.datasets.load("sleepstudy").assign(w=2.0, o=1.0)
    by_name = str(blm.lmer("Reaction ~ Days + (1 | Subject)", data, weights="w", offset="o").summary())
    assert "\nWeights: w\n Offset: o\n" in by_name
    by_array = blm.lmer("Reaction ~ Days + (1 | Subject)", data, weights=data.w, offset=data.o.to_numpy())
    assert str(by_array.summary()) == by_name.replace("Weights: w", "Weights: an array").replace(
        "Offset: o", "Offset: an array"
    )
    assert "Weights" not in str(blm.lmer("Reaction ~ Days + (1 | Subject)", data).summary())


def test_a_formula_is_printed_with_rs_spacing():
    fit = blm.lmer("Reaction~1+Days+(1|Subject)+(0+Days|Subject)", blm.datasets.load("sleepstudy"))
    assert "Formula: Reaction ~ 1 + Days + (1 | Subject) + (0 + Days | Subject)" in lines(str(fit))
    # lme4 writes `Subject.1 Days`; here a grouping factor is one term, and no correlation means that none is estimated
    assert " Subject  (Intercept) 627.57   25.051" in lines(str(fit))
    assert "          Days         35.86    5.988" in lines(str(fit))


def test_repr_html_keeps_columns_and_escapes():
    data = blm.datasets.load("sleepstudy").assign(late=lambda d: d.Days)
    fit = blm.lmer("Reaction ~ (Days > 4) + (1 | Subject)", data)
    for shown in (fit, fit.summary(), fit.anova()):
        html = shown._repr_html_()
        assert html.startswith("<pre")
        assert "Days > 4" not in html
        assert "Days &gt; 4" in html


@pytest.mark.parametrize(
    ("values", "digits", "text"),
    [
        ([1.0, 10.25, 100.125], 4, ["1.00", "10.25", "100.12"]),
        ([137.71796998], 4, ["137.7"]),
        ([1505.0], 7, ["1505"]),
        ([1e-20, 1.0], 3, ["1e-20", "1e+00"]),
        ([0.000256], 3, ["0.000256"]),
        ([np.nan, np.inf, -np.inf, -0.0], 4, ["NA", "Inf", "-Inf", "0"]),
        ([], 4, []),
    ],
)
def test_format_is_rs(values, digits, text):
    assert rformat.format_numbers(values, digits) == text


@pytest.mark.parametrize(
    ("p", "text"),
    [
        ([1e-20, 0.000256, 0.210951], ["< 2e-16", "0.000256", "0.210951"]),
        ([1e-20, 0.000256, 0.210951, 2.22e-5], ["< 2e-16", "0.000256", "0.210951", "2.22e-05"]),
        ([6.4e-7, 0.021695, 0.000277], ["6.4e-07", "0.021695", "0.000277"]),
        ([1e-20, 0.5], ["<2e-16", "0.5"]),
        ([1e-20], ["<2e-16"]),
        ([np.nan, 0.04], ["NA", "0.04"]),
    ],
)
def test_p_values_are_rs(p, text):
    assert rformat.format_p_values(p) == text


NAMES = ["(Intercept)", "factor(nitro)0.2", "factor(nitro)0.2:Variety1", "poly(Days, 2)1", "I(age - 11):SexFemale"]
NAMES += ["ABCDEFGHIJKLMNOP", "aaa bbb ccc ddd eee", "recipeB:temperature^5", "recipeC:temperature^5", "grade:majorb"]


@pytest.mark.parametrize(
    ("length", "short"),
    [
        (6, "(Intr) fc()0.2 f()0.2: p(D,2) I(-11) ABCDEF abbcde rcB:^5 rcC:^5 grd:mj"),
        (
            11,
            "(Intercept) fctr(nt)0.2 fct()0.2:V1 ply(Dys,2)1 I(g-11):SxF ABCDEFGHIJK abbbcccddde rcpB:tmpr^5 "
            "rcpC:tmpr^5 grade:majrb",
        ),
    ],
)
def test_names_are_shortened_as_r_does(length, short):
    assert rformat.abbreviate(NAMES, length) == short.split(" ")
    assert rformat.abbreviate([NAMES[0], NAMES[0]], length) == [short.split(" ")[0]] * 2
