"""Default priors by hand, and priors by name."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import bayeslmm as blm
from bayeslmm.bayes.bounds import inside, support_of
from bayeslmm.bayes.priors import Priors, resolve
from bayeslmm.design import Design, build
from bayeslmm.errors import ArgumentError, DesignWarning

rng = np.random.default_rng(7)
N = 120
DATA = pd.DataFrame(
    {
        "y": rng.normal(50, 8, N),
        "x": rng.normal(2, 3, N),
        "f": np.array(["lo", "mid", "hi"])[np.arange(N) % 3],
        "g": [f"g{i % 8}" for i in range(N)],
        "h": [f"h{i // 8 % 5}" for i in range(N)],
        "w": rng.uniform(0.5, 3, N),
        "o": rng.normal(0, 5, N),
    }
)
SD = {name: DATA[name].std() for name in ("y", "x")}


def priors(formula: str, given=None, data: pd.DataFrame = DATA, **options) -> Priors:
    return resolve(build(formula, data, **options), given)


def by_name(p: Priors) -> dict:
    return {s.keys[0]: s.prior for s in p.slots}


def test_defaults_are_in_units_of_the_response():
    p = priors("y ~ x + (x | g) + (1 | h)")
    got = by_name(p)
    assert list(got) == ["Intercept", "x", "sd_g[Intercept]", "sd_g[x]", "cor_g", "sd_h[Intercept]", "sigma"]
    expected = {
        "Intercept": blm.Normal(DATA["y"].mean(), 2.5 * SD["y"]),
        "x": blm.Normal(0, 2.5 * SD["y"] / SD["x"]),
        "sd_g[Intercept]": blm.HalfStudentT(3, SD["y"]),
        "sd_g[x]": blm.HalfStudentT(3, SD["y"] / SD["x"]),
        "cor_g": blm.LKJ(2),
        "sd_h[Intercept]": blm.HalfStudentT(3, SD["y"]),
        "sigma": blm.HalfStudentT(3, SD["y"]),
    }
    for name, prior in expected.items():
        same(got[name], prior)
    assert_allclose(p.centre, [0, DATA["x"].mean()])


def same(one, other):
    assert type(one) is type(other)
    assert_allclose([getattr(one, f) for f in one.__slots__], [getattr(other, f) for f in one.__slots__])


def test_table_says_what_and_why():
    table = priors("y ~ x + (x | g)", {"sd": blm.HalfNormal(5), "x": blm.Normal(0, 1)}).table
    assert list(table.columns) == ["parameter", "prior", "sd", "unit", "sd_response", "why"]
    rows = table.set_index("parameter")
    assert rows.loc["Intercept", "why"] == "mean, 2.5 sd of y; at mean X"
    assert rows.loc["x", "prior"] == "Normal(0, 1)"
    assert rows.loc["x", "why"] == "given"
    assert rows.loc["sd_g[x]", "why"] == "given as `sd`"
    assert rows.loc["sigma", "why"] == "sd(y)"
    lines = str(priors("y ~ x + (1 | g)", {"sd": blm.HalfNormal(5)})).splitlines()
    assert lines[0].split(maxsplit=4) == ["Parameter", "Prior", "SD", "Unit", "SD in response Why"]
    assert lines[3].split(maxsplit=5) == ["sd_g[Intercept]", "HalfNormal(5)", "3.014", "y", "3.014", "given as `sd`"]
    html = priors("y ~ x + (x | g)")._repr_html_()
    assert html.count("<tr") == 7
    assert "mean, 2.5 sd of y; at mean X" in html
    assert "NaN" not in html
    whys = ("Why", "mean", "2.5", "given", "sd(y)")
    assert len({line.index(why) for line, why in zip(lines, whys, strict=True)}) == 1


def test_sds_are_in_units_that_are_named_and_in_those_of_the_response():
    given = {"x": blm.Normal(0, 2), "sd": blm.HalfNormal(5), "flo": blm.Cauchy(0, 1), "sigma": blm.Flat()}
    p = priors("y ~ x + f + (x | g)", given, weights="w")
    rows = p.table.set_index("parameter")
    w = DATA["w"]
    sd_x = np.sqrt(np.average((DATA["x"] - np.average(DATA["x"], weights=w)) ** 2, weights=w) * N / (N - 1))
    half = 5 * np.sqrt(1 - 2 / np.pi)
    assert_allclose(rows.loc["x", ["sd", "sd_response"]].astype(float), [2, 2 * sd_x])
    assert_allclose(rows.loc["sd_g[Intercept]", ["sd", "sd_response"]].astype(float), [half, half])
    assert_allclose(rows.loc["sd_g[x]", ["sd", "sd_response"]].astype(float), [half, half * sd_x])
    assert list(rows["unit"]) == ["y", "y per x", "y", "y", "y", "y per x", "", "y"]
    assert rows.loc[["flo", "sigma", "cor_g"], ["sd", "sd_response"]].isna().all(axis=None)
    text = {line.split()[0]: line for line in str(p).splitlines()}
    assert text["sigma"].split()[2:5] == ["none", "y", "none"]
    assert text["cor_g"].split()[1:3] == ["LKJ(2)", "slightly"]
    assert " infinite y per x infinite given" in " ".join(
        str(priors("y ~ x + (1 | g)", {"x": blm.StudentT(2, 0, 1)})).split()
    )


def test_the_default_priors_let_every_part_move_the_response_alike():
    rows = priors("y ~ x + f + (x | g)").table.set_index("parameter")
    assert_allclose(rows.loc[["Intercept", "x", "flo"], "sd_response"], 2.5 * SD["y"])
    sd = rows.loc[["sd_g[Intercept]", "sd_g[x]", "sigma"], "sd_response"]
    assert_allclose(sd, blm.HalfStudentT(3, SD["y"]).sd)


def test_to_user_puts_the_intercept_at_zero():
    p = priors("y ~ x + f + (1 | g)")
    design = build("y ~ x + f + (1 | g)", DATA)
    centred = rng.normal(size=(5, design.p))
    beta = p.to_user(centred)
    assert_allclose(beta[:, 1:], centred[:, 1:])
    assert_allclose(beta @ design.X.mean(axis=0), centred[:, 0])  # expected response at the mean of X
    ols = np.linalg.lstsq(design.X, design.y)[0]
    assert_allclose(p.to_user(p.start), ols)


def test_no_predictor_no_centring():
    p = priors("y ~ 1 + (1 | g)")
    assert_allclose(p.centre, 0)
    assert p.table["why"][0] == "mean, 2.5 sd of y"


def test_levels_of_a_factor_without_an_intercept_are_intercepts():
    p = priors("y ~ 0 + f + x + (1 | g)")
    got = by_name(p)
    for name in ("fhi", "flo", "fmid"):
        same(got[name], blm.Normal(DATA["y"].mean(), 2.5 * SD["y"]))
    same(got["x"], blm.Normal(0, 2.5 * SD["y"] / SD["x"]))
    assert_allclose(p.centre, [0, 0, 0, DATA["x"].mean()])
    assert list(p.levels) == [True, True, True, False]


def test_a_line_through_the_origin_is_measured_from_zero():
    got = by_name(priors("y ~ 0 + x + (1 | g)"))
    root = {name: np.sqrt((DATA[name] ** 2).mean()) for name in ("y", "x")}
    same(got["x"], blm.Normal(0, 2.5 * root["y"] / root["x"]))
    same(got["sd_g[Intercept]"], blm.HalfStudentT(3, root["y"]))
    same(got["sigma"], blm.HalfStudentT(3, SD["y"]))


def test_no_fixed_effects():
    p = priors("y ~ 0 + (1 | g)")
    assert p.beta == ()
    assert p.to_user(np.zeros((4, 0))).shape == (4, 0)
    same(by_name(p)["sd_g[Intercept]"], blm.HalfStudentT(3, np.sqrt((DATA["y"] ** 2).mean())))


def test_levels_of_a_factor_in_a_bar_are_intercepts():
    got = by_name(priors("y ~ f + (0 + f | g)"))
    for name in ("fhi", "flo", "fmid"):
        same(got[f"sd_g[{name}]"], blm.HalfStudentT(3, SD["y"]))
    treatment = by_name(priors("y ~ f + (f | g)"))
    same(treatment["sd_g[Intercept]"], blm.HalfStudentT(3, SD["y"]))
    indicator = (DATA["f"] == "lo").std()
    same(treatment["sd_g[flo]"], blm.HalfStudentT(3, SD["y"] / indicator))


@pytest.mark.parametrize("shift", [0.0, 2010.0])
def test_priors_do_not_depend_on_where_a_predictor_has_zero(shift):
    moved = by_name(priors("y ~ x * f + (x * f | g)", data=DATA.assign(x=DATA["x"] + shift)))
    here = by_name(priors("y ~ x * f + (x * f | g)"))
    for name, prior in here.items():
        assert_allclose(
            [getattr(moved[name], f) for f in prior.__slots__], [getattr(prior, f) for f in prior.__slots__], rtol=1e-6
        )


def test_priors_scale_with_response_and_predictor():
    a, b = (by_name(priors("y ~ x + (x | g)", data=d)) for d in (DATA, DATA.assign(y=DATA["y"] * 10, x=DATA["x"] * 4)))
    assert_allclose(b["Intercept"].mu, 10 * a["Intercept"].mu)
    assert_allclose(b["x"].sigma, 2.5 * a["x"].sigma)
    assert_allclose(b["sd_g[x]"].sigma, 2.5 * a["sd_g[x]"].sigma)
    assert_allclose(b["sigma"].sigma, 10 * a["sigma"].sigma)


def test_weights_and_offset_count():
    w, y = DATA["w"], DATA["y"] - DATA["o"]
    p = priors("y ~ x + (1 | g)", weights="w", offset="o")
    got = by_name(p)
    mean = np.average(y, weights=w)
    sd = np.sqrt(np.average((y - mean) ** 2, weights=w) * N / (N - 1))
    same(got["Intercept"], blm.Normal(mean, 2.5 * sd))
    same(got["sd_g[Intercept]"], blm.HalfStudentT(3, sd))
    same(got["sigma"], blm.HalfStudentT(3, sd * np.sqrt(w.mean())))
    assert_allclose(p.centre[1], np.average(DATA["x"], weights=w))
    assert p.table["why"][0] == "mean, 2.5 sd of y - offset; at mean X"


def test_collinear_columns_have_no_prior():
    data = DATA.assign(twice=2 * DATA["x"])
    with pytest.warns(DesignWarning):
        design = build("y ~ x + twice + (1 | g)", data)
    assert [s.keys[0] for s in resolve(design).beta] == ["Intercept", "x"]
    with pytest.raises(ArgumentError, match="`twice` is collinear with others and was left out"):
        resolve(design, {"twice": blm.Normal(0, 1)})


# -- given by name -------------------------------------------------------------------------------------------------


def test_the_most_specific_name_wins():
    given = {
        "beta": blm.Normal(0, 1),
        "x": blm.Normal(0, 2),
        "sd": blm.HalfNormal(1),
        "sd_g": blm.HalfNormal(2),
        "sd_g[x]": blm.HalfNormal(3),
        "cor": blm.LKJ(5),
        "cor_h": blm.LKJ(6),
        "sigma": blm.Exponential(1),
    }
    got = by_name(priors("y ~ x + f + (x | g) + (x | h)", given))
    assert got["x"] == blm.Normal(0, 2)
    assert got["flo"] == got["fmid"] == blm.Normal(0, 1)
    assert isinstance(got["Intercept"], blm.Normal)
    assert got["Intercept"].sigma > 10  # beta is all coefficients but the intercept
    assert got["sd_g[Intercept]"] == blm.HalfNormal(2)
    assert got["sd_g[x]"] == blm.HalfNormal(3)
    assert got["sd_h[Intercept]"] == got["sd_h[x]"] == blm.HalfNormal(1)
    assert got["cor_g"] == blm.LKJ(5)
    assert got["cor_h"] == blm.LKJ(6)
    assert got["sigma"] == blm.Exponential(1)


@pytest.mark.parametrize("name", ["Intercept", "(Intercept)", "beta[Intercept]"])
def test_spellings_of_the_intercept(name):
    assert by_name(priors("y ~ x + (1 | g)", {name: blm.StudentT(3, 0, 9)}))["Intercept"] == blm.StudentT(3, 0, 9)
    sd = name.replace("beta[Intercept]", "(Intercept)")
    assert by_name(priors("y ~ x + (1 | g)", {f"sd_g[{sd}]": blm.Flat()}))["sd_g[Intercept]"] == blm.Flat()


def test_a_coefficient_whose_name_means_something_else_is_named_in_full():
    data = DATA.rename(columns={"x": "sigma"})
    given = {"sigma": blm.HalfNormal(4), "beta[sigma]": blm.Normal(0, 5)}
    got = by_name(priors("y ~ sigma + (1 | g)", given, data))
    assert got["sigma"] == blm.HalfNormal(4)
    assert got["beta[sigma]"] == blm.Normal(0, 5)


def test_a_coefficient_may_have_a_sign():
    assert by_name(priors("y ~ x + (1 | g)", {"x": blm.HalfNormal(1)}))["x"] == blm.HalfNormal(1)


def test_priors_with_bounds():
    given = {"x": blm.Uniform(-1, 2), "sd": blm.Uniform(0, 3), "sigma": blm.TruncatedNormal(4, 2, lower=0)}
    p = priors("y ~ x + (x | g)", given)
    assert [support_of(s) for s in p.slots if s.kind != "cor"] == [
        (-np.inf, np.inf),
        (-1, 2),
        (0, 3),
        (0, 3),
        (0, np.inf),
    ]
    flat = priors("y ~ x + (x | g)", "flat")
    assert support_of(flat.sigma) == (0, np.inf)
    assert support_of(flat.beta[1]) == (-np.inf, np.inf)


def test_a_start_is_moved_into_the_support():
    p = priors("y ~ x + f + (x | g)", {"x": blm.Uniform(2, 5), "flo": blm.HalfNormal(1), "fmid": blm.Normal(0, 1)})
    assert_allclose(inside(p.beta, np.array([1.0, 9.0, -2.0, -3.0])), [1, 3.5, 2, -3])
    assert_allclose(inside(p.beta, np.array([1.0, 2.5, 0.0, -3.0])), [1, 2.5, p.beta[2].scale, -3])
    cut = priors("y ~ x + (1 | g)", {"x": blm.TruncatedNormal(0, 1, upper=-2)})
    assert_allclose(inside(cut.beta, np.array([0.0, 1.5])), [0, -5.5])


def test_flat():
    got = by_name(priors("y ~ x + (x | g)", "flat"))
    assert got.pop("cor_g") == blm.LKJ(1)
    assert set(got.values()) == {blm.Flat()}
    assert by_name(priors("y ~ x + (x | g)", {"cor": blm.Flat()}))["cor_g"] == blm.LKJ(1)


def test_default_is_none():
    assert by_name(priors("y ~ x + (x | g)", "default")) == by_name(priors("y ~ x + (x | g)"))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"sdd": blm.HalfNormal(1)},
            r"no parameter `sdd`; did you mean `sd`\? Priors can be given for `Int",
        ),
        ({"X": blm.Normal(0, 1)}, "did you mean `x`"),
        ({"cor_h": blm.LKJ(1)}, "no parameter `cor_h`"),
        ({3: blm.Normal(0, 1)}, "no parameter `3`; priors can be given for"),
        ({"sd": blm.Normal(0, 2)}, r"`sd`: Normal\(0, 2\) allows negative values.*blm.HalfNormal\(2\)"),
        ({"sigma": blm.StudentT(4, 0, 2)}, r"blm.HalfStudentT\(4, 2\)"),
        ({"sigma": blm.Normal(3, 2)}, r"its positive part is blm.TruncatedNormal\(3, 2, lower=0\)"),
        ({"sigma": blm.Cauchy(0, 2)}, r"blm.HalfCauchy\(2\)"),
        ({"sigma": blm.Laplace(0, 2)}, r"blm.Exponential\(0.5\)"),
        ({"sd": blm.Uniform(-1, 5)}, r"allows negative values.*blm.Uniform\(0, 5\)"),
        ({"sd": blm.Logistic(0, 5)}, "use blm.Gamma or blm.HalfNormal"),
        ({"x": blm.LKJ(2)}, r"`x`: LKJ\(2\) is a prior of correlations; use for example blm.Normal"),
        ({"sd": blm.LKJ(2)}, "blm.HalfNormal"),
        ({"cor": blm.Normal(0, 1)}, r"cannot be a prior of correlations; use blm.LKJ\(2\)"),
        ({"sigma": 3}, "3 is not a prior; write for example blm.HalfNormal"),
        ({"x": "normal"}, "'normal' is not a prior"),
        ("flatt", "priors='flatt' is not known"),
        (3, "priors=3 is not known"),
        ([blm.Normal(0, 1)], "or a dict such as"),
    ],
)
def test_what_cannot_be_a_prior_gets_a_sentence(given, message):
    with pytest.raises(ArgumentError, match=message):
        priors("y ~ x + (x | g)", given)


def test_flat_sds_need_three_levels():
    data = DATA.assign(g=[f"g{i % 2}" for i in range(N)])
    with pytest.raises(ArgumentError, match="`g` has 2 levels, and a flat prior of its sd needs 3"):
        priors("y ~ x + (1 | g)", "flat", data)
    got = priors("y ~ x + (1 | g)", {"beta": blm.Flat(), "Intercept": blm.Flat(), "sigma": blm.Flat()}, data)
    assert by_name(got)["x"] == blm.Flat()


def test_priors_belong_to_a_model():
    model = blm.Model("y ~ x + (x | g)", DATA, priors={"sigma": blm.HalfNormal(4)})
    assert isinstance(model.design, Design)
    assert model.priors is model.priors
    assert by_name(model.priors)["sigma"] == blm.HalfNormal(4)
