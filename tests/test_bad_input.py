"""Every bad input of the public verbs: what was given, what was expected, what to do."""

import re

import numpy as np
import pandas as pd
import pytest

import bayeslmm as blm
from bayeslmm.design import build
from bayeslmm.errors import (
    ArgumentError,
    BayeslmmError,
    DataError,
    FormulaError,
    NotAvailableError,
    SingularFitWarning,
)
from bayeslmm.point.breakdown import breakdown

N = 40
RNG = np.random.default_rng(2)
DATA = pd.DataFrame(
    {
        "y": RNG.normal(size=N) + np.repeat(RNG.normal(size=8), 5),
        "x": RNG.normal(size=N),
        "f": RNG.choice(["u", "v"], N),
        "group": np.repeat(np.arange(8), 5),
        "one": "only",
        "each": np.arange(N),
        "const": 3.0,
        "text": "word",
        "inf": np.r_[np.inf, np.zeros(N - 1)],
        "none": np.nan,
        "when": pd.date_range("2024-01-01", periods=N),
        "neg": np.r_[np.ones(N - 1), -1.0],
        "gap": np.r_[np.ones(N - 1), np.nan],
        "line": 1.0,
    }
)
DATA["line"] = 2 * DATA["x"] + DATA["group"]
BAR = " + (1 | group)"


def caret(message: str) -> str:
    """The character of the formula that the caret points at."""
    *_, formula, mark = message.splitlines()
    return formula[mark.index("^")]


CASES = [
    # formula, options, error, message, the character at the caret (None: no caret)
    ("y ~ xx + (1 | group)", {}, FormulaError, r"no column `xx` in the data; did you mean `x`\?", "x"),
    ("y ~ x + (1 | grup)", {}, FormulaError, r"no column `grup` in the data; did you mean `group`\?", "g"),
    ("y ~ nothing" + BAR, {}, FormulaError, r"no column `nothing`.*there is `y`, `x`, `f`, `group`", "n"),
    ("text ~ x" + BAR, {}, DataError, "the response `text` holds text .*where numbers are needed", None),
    ("y ~ log(text)" + BAR, {}, DataError, r"log\(text\): `text` holds text", None),
    (
        "y ~ inf" + BAR,
        {},
        DataError,
        r"`inf` is infinite in 1 row \(row 0, counted from 0\); leave these rows out",
        None,
    ),
    ("inf ~ x" + BAR, {}, DataError, "`inf` is infinite in 1 row", None),
    (
        "const ~ x" + BAR,
        {},
        DataError,
        "the response `const` is 3 in all 40 rows used; there is nothing to model",
        None,
    ),
    ("y ~ x + (1 | one)", {}, DataError, "`one` has one level in the rows used, `only`.*leave the term out", None),
    ("y ~ x + (1 | each)", {}, DataError, "`each` has 40 levels in 40 rows, one per row.*a factor that groups", None),
    ("y ~ none" + BAR, {}, DataError, "no complete row is left of 40: `none` is missing in 40; leave a variable", None),
    ("y ~ when" + BAR, {}, DataError, r"`when` holds dates; make them numbers in the data first", None),
    ("y ~ x + (1 | group", {}, FormulaError, r"this parenthesis is not closed; add `\)`", "("),
    ("y ~ x + 1 | group)", {}, FormulaError, "this parenthesis was never opened; remove it", ")"),
    ("y ~ x + 1 | group", {}, FormulaError, r"a random term is written in parentheses, `\(x \| g\)`", "|"),
    ("y ~ x %in% f + (1 | group)", {}, FormulaError, "`%in%` is not supported.*write the interaction `a:b`", "%"),
    ("y ~ os.system('ls')" + BAR, {}, FormulaError, r"a formula cannot call `os\.system`; it may call .*log", "o"),
    ("y ~ exec('1')" + BAR, {}, FormulaError, "a formula cannot call `exec`.*add your own with functions=", "e"),
    ("y ~ x + (y | group)", {}, FormulaError, "the response `y` stands in a random term too", "y"),
    ("y ~ x + (1 | group) + (x | group)", {}, FormulaError, r"`\(Intercept\)` stands twice for the group `group`", "x"),
    ("y ~ . + (1 | group)", {}, FormulaError, "all columns. is not supported; name the columns", "."),
    ("y ~ x + (0 | group)", {}, FormulaError, r"no effects; write `\(1 \| g\)` for an intercept per group", "0"),
    ("y ~ x + (1 | 3)", {}, FormulaError, "a grouping factor is a column", "3"),
    ("~ x + (1 | group)", {}, FormulaError, "no response: write its name left of the `~`", "~"),
    ("y x + (1 | group)", {}, FormulaError, "an operator such as `\\+` is missing before `x`", "x"),
    ("line ~ x" + BAR, {}, DataError, "reproduces the response `line` exactly.*no residual variance to estimate", None),
    (
        "y ~ x" + BAR,
        {"weights": "neg"},
        DataError,
        r"must be positive; they are not in 1 row \(row 39, counted from 0\)",
        None,
    ),
    (
        "y ~ x" + BAR,
        {"weights": "gap"},
        DataError,
        r"weights are missing in 1 row \(row 39, counted from 0\); fill",
        None,
    ),
    ("y ~ x" + BAR, {"weights": "wt"}, DataError, "weights: no column `wt` in the data", None),
    ("y ~ x" + BAR, {"weights": [1.0, 2.0]}, DataError, r"weights has shape \(2,\); the data have 40 rows", None),
    ("y ~ x" + BAR, {"offset": "text"}, DataError, "offset: `text` holds text", None),
    ("y ~ f" + BAR, {"contrasts": {"f": "some"}}, ArgumentError, '"some" is not known; give one of treatment', None),
    ("y ~ f" + BAR, {"contrasts": {"x": "sum"}}, ArgumentError, "no factor of that name; there is `f`", None),
    ("y ~ f" + BAR, {"contrasts": {"f": [[1], [2], [3]]}}, ArgumentError, r"shape \(3, 1\); 2 levels \(u, v\)", None),
    ("y ~ f" + BAR, {"functions": {"h": 3}}, ArgumentError, "`h` is of type int; give a function of arrays", None),
]


@pytest.mark.parametrize(("formula", "options", "error", "message", "at"), CASES)
def test_every_verb_says_what_is_wrong(formula, options, error, message, at):
    for verb in (blm.lmer, lambda *a, **k: blm.Model(*a, **k).fit()):
        with pytest.raises(error, match=message) as caught:
            verb(formula, DATA, **options)
        assert isinstance(caught.value, BayeslmmError)
        assert (caret(str(caught.value)) if at else None) == at


@pytest.mark.parametrize(
    ("formula", "error", "message"),
    [
        ("y ~ xx", FormulaError, "no column `xx` in the data; did you mean `x`"),
        ("text ~ x", DataError, "the response `text` holds text"),
        ("y ~ inf", DataError, "`inf` is infinite"),
        ("const ~ x", DataError, "there is nothing to model"),
        ("y ~ none", DataError, "no complete row is left"),
        ("y ~ (x", FormulaError, "is not closed"),
        ("y ~ x %in% f", FormulaError, "`%in%` is not supported"),
        ("y ~ os.system('ls')", FormulaError, "a formula cannot call"),
        ("line ~ x + factor(group)", DataError, "reproduces the response `line` exactly"),
        ("y ~ x + (1 | group)", FormulaError, "the formula has random effects.*use blm.lmer"),
        ("y ~ factor(each)", DataError, "one per row"),
    ],
)
def test_a_linear_model_says_so_too(formula, error, message):
    with pytest.raises(error, match=message):
        blm.lm(formula, DATA)


def test_no_bar_is_sent_to_lm():
    with pytest.raises(FormulaError, match=r"at least one bar such as \(1 \| g\).*without groups use blm\.lm"):
        blm.lmer("y ~ x", DATA)


@pytest.mark.parametrize("verb", [blm.lmer, blm.Model, blm.lm])
@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "data is of type NoneType; give a data frame"),
        ([1, 2], r"data is (of type list|a list that holds something of type int); give (a|one) data frame"),
        ([], r"data is (of type list|a list that is empty); give (a|one) data frame"),
        (DATA.to_numpy(), "data is of type ndarray; give a data frame"),
        ("data.csv", "data is of type str.*a file is read first, with pandas.read_csv"),
        (DATA.iloc[:0], "the data have no rows"),
        ({}, "no column `y`"),
        ({"y": [1.0, 2], "x": [1.0], "group": [1, 2]}, "the columns of the data differ in length: `y` 2, `x` 1"),
        (pd.concat([DATA, DATA[["x"]]], axis=1), "2 columns of the data are called `x`; rename all but one"),
    ],
)
def test_what_is_no_data(verb, data, message):
    formula = "y ~ x" if verb is blm.lm else "y ~ x + (1 | group)"
    with pytest.raises(BayeslmmError, match=message):
        verb(formula, data)


@pytest.mark.parametrize("formula", [None, 3, DATA, "", "   "])
def test_what_is_no_formula(formula):
    for verb in (blm.lmer, blm.Model, blm.lm):
        with pytest.raises(FormulaError, match=r"a formula is text such as|the formula is empty"):
            verb(formula, DATA)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"optimizer": "bobiqa"}, ArgumentError, "lbfgs, bobyqa, nelder-mead; did you mean `bobyqa`"),
        ({"reml": "ML"}, ArgumentError, r"reml='ML' is True \(REML\) or False"),
        ({"REML": False}, ArgumentError, r"lmer has no argument `REML`; did you mean `reml`\?; it takes formula"),
        ({"wieghts": "x"}, ArgumentError, "lmer has no argument `wieghts`; did you mean `weights`"),
        ({"family": "binomial"}, NotAvailableError, 'family="binomial" is not available'),
    ],
)
def test_arguments_of_the_verb(options, error, message):
    with pytest.raises(error, match=message):
        blm.lmer("y ~ x + (1 | group)", DATA, **options)


def test_a_predictor_far_from_zero_is_fitted_as_if_it_were_centred():
    days = 1.6e9 + 864_000 * np.tile(np.arange(5), 8)
    data = DATA.assign(epoch=days, centred=days - days.mean())
    with pytest.warns(SingularFitWarning):
        far = blm.lmer("y ~ epoch + (epoch | group)", data, reml=False)
    with pytest.warns(SingularFitWarning):
        near = blm.lmer("y ~ centred + (centred | group)", data, reml=False)
    assert far.criterion == pytest.approx(near.criterion, abs=1e-6)
    assert far.fixef["epoch"] == pytest.approx(near.fixef["centred"], rel=1e-5)


def test_columns_that_cannot_be_told_apart_name_the_cure():
    design = build("y ~ epoch + (epoch | group)", DATA.assign(epoch=1.6e9 + 864_000 * np.tile(np.arange(5), 8)))
    assert re.search(r"`epoch` lie \d+ times their sd.*scale\(epoch, scale = FALSE\)", str(breakdown(design)))


@pytest.mark.parametrize(
    "response",
    [lambda d: 2 * d["x"] + 1, lambda d: 1.0 * d["group"], lambda d: d["x"] * d["group"] - d["group"]],
    ids=["line", "constant in groups", "a line per group"],
)
def test_a_response_that_is_reproduced_exactly(response):
    data = DATA.assign(exact=response)
    with pytest.raises(DataError, match="reproduces the response `exact` exactly"):
        blm.lmer("exact ~ x + (x | group)", data)


def test_a_small_residual_is_no_exact_fit():
    data = DATA.assign(near=1e4 * DATA["x"] + 1e-2 * DATA["y"])
    fit = blm.lmer("near ~ x + (1 | group)", data)
    assert fit.sigma == pytest.approx(1e-2 * blm.lmer("y ~ x + (1 | group)", DATA).sigma, rel=1e-4)
