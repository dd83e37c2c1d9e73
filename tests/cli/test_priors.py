"""Priors as text, and what is said of text that is none."""

import pytest

import bayeslmm as blm
from bayeslmm.cli.priors import priors_of
from bayeslmm.errors import ArgumentError


def test_priors_are_read():
    given = [
        "sd=HalfNormal(5)",
        " grade = StudentT(3, 0, 2) ",
        "sd_major[grade]=Exponential(1)",
        "x=Normal(1, sigma=2)",
    ]
    assert priors_of(given) == {
        "sd": blm.HalfNormal(5),
        "grade": blm.StudentT(3, 0, 2),
        "sd_major[grade]": blm.Exponential(1),
        "x": blm.Normal(1, 2),
    }


def test_numbers_may_be_negative():
    assert priors_of(["x=Normal(-1, 2)"]) == {"x": blm.Normal(-1, 2)}


def test_flat_and_nothing():
    assert priors_of(["flat"]) == "flat"
    assert priors_of(["beta=Flat", "sigma=Flat()"]) == {"beta": blm.Flat(), "sigma": blm.Flat()}
    assert priors_of([]) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sd", r"a name, = and a prior"),
        ("sd=", r"a name, = and a prior"),
        ("x=Normal(1)", r"missing 1 required positional argument"),
        ("sd=HalfNorml(5)", r"no prior `HalfNorml`; did you mean `HalfNormal`"),
        ("sd=HalfNormal(-5)", r"`sigma` must be positive"),
        ("sd=HalfNormal('a')", r"the arguments of a prior are numbers"),
        ("sd=HalfNormal(1, 2)", r"--prior sd=HalfNormal\(1, 2\): HalfNormal takes 2 positional"),
        ("sd=HalfNormal(", r"is no prior"),
        ("sd=__import__('os').system('x')", r"is no prior"),
        ("sd=Normal(**{'mu': 1})", r"is no prior"),
    ],
)
def test_what_is_no_prior_gets_a_sentence(text, said):
    with pytest.raises(ArgumentError, match=said):
        priors_of([text])


def test_a_name_is_given_once():
    with pytest.raises(ArgumentError, match="sd: given twice"):
        priors_of(["sd=HalfNormal(1)", "sd=HalfNormal(2)"])
