"""How wide a prior must be to change a decision, against closed forms of a normal mean with a normal prior."""

from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pymc as pm
import pytest
from numpy.testing import assert_allclose
from scipy import stats

import bayeslmm as blm
from bayeslmm.bayes.priors import resolve
from bayeslmm.bayes.widths import has_width, scaled
from bayeslmm.errors import ArgumentError
from bayeslmm.results.posterior import Posterior
from bayeslmm.results.prior_decision import chosen_slots
from bayeslmm.results.prior_reweighting import smoothed, weighted_quantiles
from tests.results.posterior_draws import case

CHAINS, DRAWS = 2, 2000
NORMAL = stats.norm.ppf((np.arange(CHAINS * DRAWS) + 0.5) / (CHAINS * DRAWS))


def with_x(post: Posterior, x: np.ndarray) -> Posterior:
    """The same posterior with these draws of the coefficient of x."""
    data = post.data.copy()
    old = post.data["posterior"].to_dataset()
    beta = old["beta"].copy(deep=True)
    beta.loc[{"coef": "x"}] = np.random.default_rng(0).permutation(x).reshape(CHAINS, DRAWS)
    data["posterior"] = old.assign(beta=beta)
    return replace(post, data=data)


@dataclass
class Conjugate:
    """Samples the coefficient of x from its posterior, where the data say N(estimate, 1)."""

    estimate: float
    post: Posterior
    asked: list = field(default_factory=list)

    def with_priors(self, given):
        prior, options = given["x"], {}
        self.asked.append((prior, options))

        def sample(**kwargs):
            options.update(kwargs)
            return with_x(self.post, self.draws(prior))

        return SimpleNamespace(sample=sample)

    def draws(self, prior) -> np.ndarray:
        if isinstance(prior, blm.Normal):
            precision = 1 + 1 / prior.sigma**2
            return (self.estimate + prior.mu / prior.sigma**2) / precision + NORMAL / np.sqrt(precision)
        lower, upper = prior.support
        t = stats.truncnorm(lower - self.estimate, upper - self.estimate, self.estimate)
        return t.ppf(stats.norm.cdf(NORMAL))


def conjugate(estimate: float, prior) -> tuple[Posterior, Conjugate]:
    post = case("y ~ x + z + (x | g)", chains=CHAINS, draws=DRAWS).post
    post = replace(post, priors=resolve(post.design, {"x": prior}))
    model = Conjugate(estimate, post)
    return replace(with_x(post, model.draws(prior)), model=model), model


def turning_factor(estimate: float, sigma: float) -> float:
    """Where estimate sqrt(g / (1 + g)) = 1.96, with g the prior variance."""
    share = (stats.norm.ppf(0.975) / estimate) ** 2
    return float(np.sqrt(share / (1 - share)) / sigma)


def test_a_narrower_prior_makes_the_interval_include_zero():
    post, model = conjugate(2.5, blm.Normal(0, 5))
    found = post.prior_sensitivity("x", prior="x")
    expected = turning_factor(2.5, 5)
    assert found.table.loc["narrower", "factor"] == pytest.approx(expected, rel=0.08)
    assert np.isnan(found.table.loc["wider", "factor"])
    assert found.table.loc["wider", "searched"] == 32
    assert model.asked == []
    assert (found.curve["k_hat"].drop(found.curve.index[found.curve["how"] == "posterior"]) <= 0.7).all()
    for row in found.curve.itertuples():
        precision = 1 + 1 / (5 * row.factor) ** 2
        assert_allclose(row.estimate, 2.5 / precision, atol=0.06)
        assert_allclose(row.upper - row.lower, 2 * 1.96 / np.sqrt(precision), rtol=0.06)
    assert found.curve["factor"].is_monotonic_increasing
    assert found.sentence.startswith("The 95% interval of x, ")
    assert "excludes zero. It would include zero with the prior of `x` 4 times as narrow" in found.sentence
    assert found.sentence.endswith("; up to 32 times as wide, it would not.")


def test_a_wider_prior_makes_the_interval_exclude_zero():
    post, _ = conjugate(2.1, blm.Normal(0, 1))
    found = post.prior_sensitivity("x", prior="beta")
    assert found.table.loc["wider", "factor"] == pytest.approx(turning_factor(2.1, 1), rel=0.08)
    assert np.isnan(found.table.loc["narrower", "factor"])
    assert "includes zero. It would exclude zero with the prior of `beta` 2" in found.sentence
    assert found.sentence.endswith(" times as wide; up to 32 times as narrow, it would not.")


def test_a_wider_prior_pulls_less():
    """The data say 1.6 above what is asked for, the prior 3.5: with less of it the interval includes zero."""
    post, _ = conjugate(2.1, blm.Normal(4, 1.8))
    found = post.prior_sensitivity("x = 0.5", prior="x")
    now = found.curve.set_index("factor").loc[1.0]
    assert now["lower"] > 0
    assert found.table.loc["wider", "factor"] > 1
    assert np.isnan(found.table.loc["narrower", "factor"])


def test_where_weights_cannot_be_trusted_the_model_is_sampled_again():
    """Draws at 20, where the prior N(0, 1) would put them at 10: nothing to reweight."""
    post, model = conjugate(20, blm.Normal(0, 30))
    found = post.prior_sensitivity("x", prior="x", reach=1000, sampling={"draws": 77})
    assert model.asked
    assert model.asked[0][1] == {"draws": 77, "progressbar": False}
    again = found.curve[found.curve["how"] == "refitted"]
    assert len(again) == len(model.asked)
    assert again["k_hat"].isna().all()
    assert found.table.loc["narrower", "factor"] == pytest.approx(turning_factor(20, 30), rel=0.1)
    for (prior, _), factor in zip(model.asked, sorted(again["factor"], reverse=True), strict=True):
        assert prior.sigma == pytest.approx(30 * factor)
    assert any("sampled again" in note for note in found.notes)


def test_the_search_stops_when_it_may_not_sample_again():
    post, _ = conjugate(20, blm.Normal(0, 30))
    found = post.prior_sensitivity("x", prior="x", reach=1000, refits=0)
    searched = found.table.loc["narrower", "searched"]
    assert 1 / 1000 < searched < 1
    assert found.curve["factor"].min() == searched
    assert (found.curve["how"] != "refitted").all()
    assert "It would not include zero with the prior of `x` up to" in found.sentence
    assert "more than refits=0 times" in found.notes[-1]


def test_a_uniform_prior_that_reaches_further_is_never_reweighted():
    post, model = conjugate(2.5, blm.Uniform(-4, 4))
    found = post.prior_sensitivity("x", prior="x", reach=2)
    how = found.curve.set_index("factor")["how"]
    assert how[how.index > 1].iloc[0] == "refitted"
    assert model.asked[0][0].upper == pytest.approx(4 * np.sqrt(2))
    assert set(how[how.index < 1]) == {"reweighted"}


def test_too_few_draws_are_not_reweighted():
    post, model = conjugate(0.5, blm.Uniform(-40, 40))
    found = post.prior_sensitivity("x", prior="x", reach=4096, refits=3)
    assert len(model.asked) == 3
    narrow = found.curve[found.curve["factor"] < 1]
    assert "refitted" in set(narrow["how"])  # 1 / 4096 of the width holds a few draws in a thousand


def test_a_value_right_of_the_equals_sign_is_what_zero_means():
    post, _ = conjugate(4.5, blm.Normal(2, 5))
    found = post.prior_sensitivity("x = 2", prior="x")
    assert found.table.loc["narrower", "factor"] == pytest.approx(turning_factor(2.5, 5), rel=0.08)


def test_all_priors_at_once_leave_out_what_has_no_width():
    post, _ = conjugate(2.5, blm.Normal(0, 5))
    priors = resolve(post.design, {"x": blm.Normal(0, 5), "sigma": blm.Flat()})
    found = replace(post, priors=priors).prior_sensitivity("x", reach=2)
    assert found.notes[0] == "changed: Intercept, x, z, sd_g[Intercept], sd_g[x]"
    assert "sigma (Flat)" in found.notes[2]
    error = np.sqrt(0.025 * 0.975 / 4000) / stats.norm.pdf(1.96) / np.sqrt(1 + 1 / 25)  # of a quantile of 4000 draws
    ends = [float(v) for v in found.notes[1].split(": ")[1].split(" and ")]
    assert_allclose(ends, error, rtol=0.3)
    changed, fixed = chosen_slots(priors, "sd")
    assert (changed, fixed) == (["sd_g[Intercept]", "sd_g[x]"], [])


@pytest.mark.parametrize("width", [7.0, 3.5])
def test_picture(width):
    post, _ = conjugate(2.5, blm.Normal(0, 5))
    found = post.prior_sensitivity("x", prior="x")
    ax = found.plot(width=width)
    assert ax.get_title(loc="left").replace("\n", " ") == found.sentence
    assert_allclose(ax.lines[1].get_xydata()[:, 0], found.curve["factor"])
    assert any(np.allclose(line.get_xdata(), found.table.loc["narrower", "factor"]) for line in ax.lines[3:])
    assert found.sentence in str(found)
    assert "k_hat" in str(found)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda post: post.prior_sensitivity("x", prior="cor_g"), "no prior `cor_g` that has a width"),
        (lambda post: post.prior_sensitivity("x", prior="sd_h"), "no prior `sd_h` that has a width; did you mean"),
        (lambda post: post.prior_sensitivity("x", prior="sigma"), "`sigma` is Flat, which has no width"),
        (lambda post: post.prior_sensitivity("w"), "w"),
        (lambda post: post.prior_sensitivity(["x", "z"]), "about one quantity, and 2 were given"),
        (lambda post: post.prior_sensitivity("x", reach=1), "reach=1 must be a number above 1.5"),
        (lambda post: post.prior_sensitivity("x", reach="far"), "reach='far' must be a number above 1.5"),
        (lambda post: post.prior_sensitivity("x", refits=-1), "refits=-1 must be a whole number, at least 0"),
        (lambda post: post.prior_sensitivity("x", level=95), "level"),
    ],
)
def test_bad_input_gets_a_sentence(ask, message):
    post = case("y ~ x + z + (x | g)").post
    with pytest.raises(ArgumentError, match=message):
        ask(replace(post, priors=resolve(post.design, {"sigma": blm.Flat()})))


# -- the pieces ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "prior",
    [
        blm.Normal(1, 2),
        blm.StudentT(4, 1, 2),
        blm.Cauchy(1, 2),
        blm.Laplace(1, 2),
        blm.Logistic(1, 2),
        blm.Uniform(-1, 3),
    ],
    ids=str,
)
def test_priors_on_the_line_are_stretched_about_their_centre(prior):
    x = np.array([0.2, 1.0, 2.5])
    wide = scaled(prior, 3)
    assert_allclose(wide.logp(1 + 3 * (x - 1)), prior.logp(x) - np.log(3))
    assert wide.sd == pytest.approx(3 * prior.sd, nan_ok=True)


@pytest.mark.parametrize(
    "prior",
    [
        blm.HalfNormal(2),
        blm.HalfStudentT(3, 2),
        blm.HalfCauchy(2),
        blm.Exponential(2),
        blm.Gamma(3, 2),
        blm.InverseGamma(3, 2),
        blm.LogNormal(1, 0.5),
        blm.Weibull(1.5, 2),
        blm.Uniform(1, 4),
    ],
    ids=str,
)
def test_priors_of_sds_are_stretched_from_zero(prior):
    x = np.array([1.3, 2.0, 3.9])
    assert_allclose(scaled(prior, 3).logp(3 * x), prior.logp(x) - np.log(3))
    assert scaled(prior, 3).sd == pytest.approx(3 * prior.sd, nan_ok=True)


def test_bounds_stay_and_what_has_no_width_says_so():
    assert scaled(blm.TruncatedNormal(1, 2, lower=0), 3) == blm.TruncatedNormal(1, 6, lower=0)
    for prior in (blm.Flat(), blm.LKJ(2)):
        assert not has_width(prior)
        with pytest.raises(ArgumentError, match="has no width that could be changed"):
            scaled(prior, 2)


def test_weighted_quantiles():
    x, rng = np.sort(stats.norm.ppf((np.arange(4000) + 0.5) / 4000)), np.random.default_rng(1)
    assert_allclose(weighted_quantiles(x, np.full(4000, 1 / 4000), [0.1, 0.5]), stats.norm.ppf([0.1, 0.5]), atol=1e-3)
    w = np.exp(x - 0.5)  # tilts N(0, 1) to N(1, 1)
    mixed = rng.permutation(4000)
    got = weighted_quantiles(x[mixed], (w / w.sum())[mixed], [0.1, 0.9])
    assert_allclose(got, stats.norm.ppf([0.1, 0.9], 1), atol=0.01)


def test_k_hat_sees_weights_that_one_draw_dominates():
    x = np.random.default_rng(2).normal(size=4000)
    assert smoothed(np.zeros(5)) == (pytest.approx(np.zeros(5)), 0.0)
    assert smoothed(0.2 * x)[1] < 0.5
    assert smoothed(2 * x**2)[1] > 0.7  # infinite variance: E exp(4 x^2) does not exist
    assert smoothed(np.where(x > 0, 0.0, -np.inf))[1] == 0
    log_weights, _ = smoothed(np.where(x > 0, 0.1 * x, -np.inf))
    assert (np.isneginf(log_weights) == (x <= 0)).all()


@pytest.mark.slow
@pytest.mark.sampling
def test_reweighting_and_sampling_again_agree():
    """Also with a bounded prior of an sd and one of PyMC's own on sigma."""
    rng = np.random.default_rng(3)
    g = np.repeat(np.arange(8), 6)
    x = rng.normal(size=48)
    data = pd.DataFrame({"y": 0.5 * x + rng.normal(0, 1, 8)[g] + rng.normal(size=48), "x": x, "g": g.astype(str)})
    others = {"sd": blm.Uniform(0, 5), "sigma": pm.Wald.dist(1, 3)}
    model = blm.Model("y ~ x + (1 | g)", data, priors={"x": blm.Normal(0, 0.3), **others})
    options = {"draws": 2000, "tune": 1000, "chains": 2, "target_accept": 0.99, "progressbar": False}
    post = model.sample(seed=1, **options)
    assert post.diagnostics().ok
    found = post.prior_sensitivity("x", prior="x", reach=2)
    wide = found.curve.iloc[-1]
    again = model.with_priors({"x": blm.Normal(0, 0.6), **others}).sample(
        draws=1000, tune=500, chains=2, seed=2, progressbar=False
    )
    assert again.diagnostics().ok
    error = 5 * again.draws.beta[:, 1].std() / np.sqrt(500)
    assert wide["how"] == "reweighted"
    assert abs(wide["estimate"] - again.fixef["x"]) < error
    assert (again.draws.sd(model.design.terms[0]) < 5).all()
