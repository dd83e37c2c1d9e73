"""Prior predictive draws, and the pictures of what priors think possible."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import bayeslmm as blm
from bayeslmm.errors import ArgumentError
from tests.results.posterior_draws import frame

PROPER = {"Intercept": blm.Normal(10, 1), "x": blm.Normal(1, 0.1), "sd": blm.HalfNormal(0.5), "sigma": blm.Gamma(4, 2)}


def model(formula: str = "y ~ x + (x | g)", **options) -> blm.Model:
    return blm.Model(formula, frame(), **options)


def test_responses_have_the_moments_of_the_priors():
    m = model("y ~ x + (1 | g)", priors=PROPER, weights="w", offset="o")
    tree = m.prior_predictive(draws=4000, seed=1)
    y = tree["prior_predictive"]["y"].to_numpy()[0]
    assert y.shape == (4000, 60)
    design = m.design
    x = design.X[:, 1] - np.average(design.X[:, 1], weights=design.weights)
    mean = design.offset + 10 + x
    variance = 1 + 0.1**2 * x**2 + 0.5**2 + (4 / 4 + 4**2 / 4) / design.weights  # E sd^2 and E sigma^2
    assert_allclose(y.mean(axis=0), mean, atol=5 * np.sqrt(variance.max() / 4000))
    assert_allclose(y.var(axis=0), variance, rtol=0.15)
    assert set(tree["prior"]) >= {"beta", "sd_g", "b_g", "sigma"}
    assert_allclose(tree["observed_data"]["y"], design.y)


def test_a_seed_gives_the_same_draws():
    one, two, other = (model(priors=PROPER).prior_predictive(5, seed=s) for s in (3, 3, 4))
    assert_allclose(one["prior_predictive"]["y"], two["prior_predictive"]["y"])
    assert_allclose(one["prior"]["beta"], two["prior"]["beta"])
    assert not np.allclose(one["prior_predictive"]["y"], other["prior_predictive"]["y"])


@pytest.mark.parametrize(
    ("formula", "options"),
    [
        ("y ~ 0 + (1 | g)", {}),
        ("y ~ 0 + f + x + (0 + f || g)", {}),
        ("y ~ x * f + (1 | a/b) + (x || h)", {"weights": "w"}),
    ],
)
def test_every_model_has_them(formula, options):
    tree = model(formula, **options).prior_predictive(3, seed=1)
    assert np.isfinite(tree["prior_predictive"]["y"]).all()
    assert len(model(formula, **options).plot.priors(draws=4)) in (1, 4)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: model(priors="flat").prior_predictive(), "the prior of `Intercept` is flat, and a flat prior has no"),
        (lambda: model(priors="flat").plot.priors(), "is flat, and a flat prior has no draws"),
        (lambda: model().prior_predictive(0), "draws must be a whole number, at least 1"),
        (lambda: model().prior_predictive(10**8), "draws=6944444 need 4 GB"),
        (lambda: model().plot.priors(draws=2.5), "draws must be a whole number"),
        (lambda: model().plot.priors(x="X"), "no variable or coefficient `X` to draw lines against; did you mean `x`"),
        (lambda: model().plot.priors(group="h"), "no grouping factor `h`"),
    ],
)
def test_bad_input_gets_a_sentence(ask, message):
    with pytest.raises(ArgumentError, match=message):
        ask()


def test_lines_are_those_of_the_draws():
    m = model(priors=PROPER | {"cor": blm.LKJ(2)})
    axes = m.plot.priors(draws=12, seed=5)
    from bayeslmm.bayes.prior_draws import prior_draws

    draws = prior_draws(m.design, m.priors, 12, seed=5)
    ends = np.array([m.design.X[:, 1].min(), m.design.X[:, 1].max()])
    beta, b = draws["beta"].to_numpy()[0], draws["b_g"].to_numpy()[0]
    shown = [line.get_ydata() for line in axes[0].lines if len(line.get_ydata()) == 2]
    assert_allclose(shown, beta[:, :1] + beta[:, 1:] * ends)
    second = [line.get_ydata() for line in axes[1].lines if len(line.get_ydata()) == 2]
    assert_allclose(second[:6], (beta[0] + b[0]) @ np.vstack([np.ones(2), ends]))
    assert_allclose(second[6], beta[0] @ np.vstack([np.ones(2), ends]))
    assert "18" not in axes[0].figure.get_suptitle()
    assert "6 of g around it" in axes[0].figure.get_suptitle().replace("\n", " ")


def test_without_predictors_the_means_of_the_groups_are_shown():
    m = model("y ~ 1 + (1 | g)")
    (ax,) = m.plot.priors(width=3.5)
    y, g = frame()["y"], frame()["g"]
    assert_allclose(np.sort(ax.lines[0].get_ydata()), np.sort(y.groupby(g).mean()))
    assert len(ax.lines) == 10


def test_with_priors_leaves_the_first_model_as_it_was():
    first = model()
    second = first.with_priors({"sigma": blm.HalfNormal(3)})
    assert second.priors.sigma.prior == blm.HalfNormal(3)
    assert first.priors.sigma.default
    assert second.design is first.design
