"""Hypotheses: probabilities of draws, Savage-Dickey against the ratio of two evidences, sentences."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.special import logsumexp

import bayeslmm as blm
from bayeslmm.bayes.priors import resolve
from bayeslmm.design import build
from bayeslmm.errors import ArgumentError
from bayeslmm.results.posterior import Posterior
from bayeslmm.results.posterior_left_out import integrated
from bayeslmm.results.posterior_mixture import Combinations
from tests.results.posterior_draws import case, frame, make_tree


@cache
def with_priors(given: str = "default", formula: str = "y ~ x + z + (1 + z | g)"):
    c = case(formula, chains=4, draws=250)
    priors = {"default": None, "flat": "flat", "t": {"x": blm.StudentT(3, 0.5, 2), "z": blm.StudentT(5, 0, 1)}}[given]
    return c, replace(c.post, priors=resolve(c.design, priors))


def test_parameters_other_than_coefficients_are_shares_of_draws():
    c, post = with_priors()
    texts = ["sd_g[z] > 0.5", "cor_g < 0", "sd_g[Intercept] - sd_g[z]", "2 * sigma >= 1.9", "cor_g[Intercept, z] < 0"]
    found = post.hypothesis(texts)
    sd, cor = c.sd["g"], c.corr["g"][:, 1, 0]
    expected = [(sd[:, 1] > 0.5).mean(), (cor < 0).mean(), np.nan, (2 * c.sigma > 1.9).mean(), (cor < 0).mean()]
    assert_allclose(found.table["probability"], expected)
    assert_allclose(found.draws[:, 2], sd[:, 0] - sd[:, 1])
    assert_allclose(found.table["estimate"], found.draws.mean(axis=0))
    up = (found.draws > 0).mean(axis=0)
    assert_allclose(found.table["p_direction"], np.maximum(up, 1 - up))
    assert_allclose(found.table["evidence_ratio"].iloc[0], expected[0] / (1 - expected[0]))
    lower, upper = np.quantile(found.draws, [0.05, 0.95], axis=0)
    assert_allclose(post.hypothesis("cor_g[(Intercept), z] < 0").table["probability"], expected[1:2])
    assert_allclose(post.hypothesis(texts, level=0.9).table[["lower", "upper"]], np.column_stack([lower, upper]))


def test_a_mixture_of_coefficients_and_others_is_read_from_the_draws():
    c, post = with_priors()
    found = post.hypothesis("x - 2 * sigma > -1", rope=(-0.2, 0.3))
    v = c.beta[:, 1] - 2 * c.sigma + 1
    assert_allclose(found.table["probability"], [(v > 0).mean()])
    assert_allclose(found.table["p_rope"], [((v > -0.2) & (v < 0.3)).mean()])


@cache
def conjugate(seed: int = 0, S: int = 4000):
    """Draws of (sd, sigma) from a grid, and log p(y | point) without and with the slope at a value."""
    design = build("y ~ x + (1 | g)", frame(3, n=30), weights="w")
    priors = resolve(design, {"x": blm.Normal(0.3, 1.5)})
    points = np.array([(a, s) for a in np.linspace(0.2, 4, 12) for s in np.linspace(1.5, 6, 14)])
    together = design.terms[0].index[:, None] == design.terms[0].index
    x = design.X[:, 1] - design.weights @ design.X[:, 1] / design.weights.sum()
    intercept = priors.beta[0].prior

    def log_p(slope: float | None) -> np.ndarray:
        out = []
        for a, s in points:
            V = a**2 * together + np.diag(s**2 / design.weights) + intercept.sigma**2
            r = design.y - intercept.mu - x * (0.3 if slope is None else slope)
            if slope is None:
                V = V + 1.5**2 * np.outer(x, x)
            out.append(-0.5 * (np.linalg.slogdet(V)[1] + r @ np.linalg.solve(V, r)))
        return np.array(out)

    log_q = log_p(None)
    q = np.exp(log_q - logsumexp(log_q))
    rng = np.random.default_rng(seed)
    drawn = points[rng.choice(len(points), size=S, p=q)]
    t = design.terms[0]
    tree = make_tree(
        design,
        (4, S // 4),
        rng.normal(size=(S, 2)),
        drawn[:, 1],
        {"g": drawn[:, :1]},
        {"g": np.ones((S, 1, 1))},
        {"g": np.zeros((S, t.n_levels, 1))},
        rng,
    )
    return Posterior(data=tree, design=design, priors=priors, model=None), log_p


@pytest.mark.parametrize("value", [0.0, 1.0, -1.5])
def test_savage_dickey_is_the_ratio_of_two_evidences(value):
    post, log_p = conjugate()
    expected = np.exp(logsumexp(log_p(value)) - logsumexp(log_p(None)))
    found = post.hypothesis(f"x = {value}").table["evidence_ratio"].iloc[0]
    assert_allclose(found, expected, rtol=0.05)  # 4000 draws of the sds, averaged exactly over the coefficients


def test_probabilities_of_coefficients_do_not_need_draws_of_them():
    """The coefficients of these draws are random numbers: everything comes from (sd, sigma)."""
    post, log_p = conjugate()
    values = np.linspace(-6, 6, 241)
    free = logsumexp(log_p(None))
    density = np.array([np.exp(logsumexp(log_p(v)) - free) for v in values])
    density *= np.exp(-0.5 * ((values - 0.3) / 1.5) ** 2) / (1.5 * np.sqrt(2 * np.pi))
    found = post.hypothesis(["x > 0.5", "0.5 > x"], rope=(-0.25, 0.25)).table
    step = values[1] - values[0]
    above = density[values > 0.5].sum() * step + density[values == 0.5].sum() * step / 2
    assert_allclose(found["probability"], [above, 1 - above], atol=0.01)
    inside = (values > 0.25) & (values < 0.75)
    assert_allclose(found["p_rope"], density[inside].sum() * step, rtol=0.15)


@pytest.mark.parametrize(
    ("given", "weights"),
    [("default", (0, 1, -2)), ("t", (0, 1, 0)), ("t", (0, 1, -2)), ("t", (1, 1, 0)), ("default", (1, 0, 0))],
)
def test_the_prior_density_of_a_linear_function(given, weights):
    _, post = with_priors(given)
    priors = post.priors
    w = np.array(weights, dtype=float)
    about = w - w[0] * priors.centre
    found = Combinations.of(integrated(post.draws, priors), priors).prior_density(w, 0.7, np.random.default_rng(1))
    rng = np.random.default_rng(2)
    draws = sum(a * s.prior.draw(rng, 400_000) for a, s in zip(about, priors.beta, strict=True) if a)
    half = 0.05 * np.std(np.clip(draws, *np.quantile(draws, [0.01, 0.99])))
    share = (np.abs(draws - 0.7) < half).mean() / (2 * half)
    assert_allclose(found, share, rtol=0.04)
    used = np.flatnonzero(about)
    if len(used) == 2:
        (a, f), (b, g) = ((about[j], priors.beta[j].prior) for j in used)
        convolved = quad(lambda t: np.exp(f.logp((0.7 - t) / a) + g.logp(t / b)) / abs(a * b), -400, 400, points=[0.7])
        assert_allclose(found, convolved[0], rtol=0.02)


def test_names_labels_and_chains():
    c, post = with_priors()
    by_name = post.hypothesis({"steeper": "x > z", "both": "beta[x] + beta[z] = 3"})
    assert list(by_name.table.index) == ["steeper", "both"]
    assert_allclose(by_name.draws, np.column_stack([c.beta[:, 1] - c.beta[:, 2], c.beta[:, 1] + c.beta[:, 2] - 3]))
    chain = post.hypothesis("Intercept < x < z; (Intercept) - 2 * (x - 1) == 4")
    assert list(chain.table.index)[:2] == ["Intercept < x < z (1)", "Intercept < x < z (2)"]
    assert_allclose(chain.draws[:, 1], c.beta[:, 1] - c.beta[:, 2])
    assert_allclose(chain.draws[:, 2], c.beta[:, 0] - 2 * c.beta[:, 1] - 2)


def test_sentences():
    _, post = with_priors()
    found = post.hypothesis(["sd_g[z] > -1", "sigma < 0", "cor_g > 0", "sigma - 1", "x = 0"], rope=(-9, 9))
    always, never, odds, plain, point = found.sentences
    assert "`sd_g[z] > -1`: probability 1.00, true in every draw" in always
    assert "`sigma < 0`: probability 0.00, true in no draw" in never
    assert " to 1 " in odds
    assert "with probability" in plain
    assert "plausible" in point
    assert "between -9 and 9 with probability 1.00: as good as none (95% interval)" in always
    assert all(sentence in str(found) for sentence in found.sentences)


def test_a_coefficient_with_another_prior_has_an_evidence_ratio_by_a_kernel():
    c, post = with_priors("t")
    found = post.hypothesis("x = 2").table["evidence_ratio"].iloc[0]
    normal = np.exp(-0.5 * ((2 - c.beta[:, 1].mean()) / c.beta[:, 1].std()) ** 2) / (
        c.beta[:, 1].std() * np.sqrt(2 * np.pi)
    )
    assert_allclose(found, normal / np.exp(blm.StudentT(3, 0.5, 2).logp(2)), rtol=0.15)


def test_a_flat_prior_has_no_evidence_for_a_point_but_a_rope():
    _, post = with_priors("flat")
    with pytest.raises(ArgumentError, match=r"`x = 0` has no evidence ratio: the prior of `x` is flat.*rope="):
        post.hypothesis("x = 0")
    found = post.hypothesis("x = 0", rope=(-0.5, 0.5))
    assert "no evidence ratio" in found.sentences[0]
    assert "evidence_ratio" not in found.table
    assert 0 <= found.table["p_rope"].iloc[0] <= 1
    assert np.isfinite(post.hypothesis("x > 0").table["probability"].iloc[0])


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("xx > 0", {}, "no coefficient `xx`; did you mean `x`"),
        ("x >", {}, "a coefficient or a number is missing"),
        ("x > 0 > ", {}, "missing"),
        ("x * z > 0", {}, "cannot be multiplied"),
        ("__import__('os')", {}, "no coefficient"),
        ("1 > 0", {}, "has no parameter in it"),
        ("sd_g = 1", {}, "no coefficient `sd_g`"),
        ("sigma = 1", {}, "not about coefficients alone"),
        ([], {}, "write for example"),
        ([3], {}, "write for example"),
        (None, {}, "write for example"),
        ("x > 0", {"rope": (1, 0)}, "from where to where"),
        ("x > 0", {"rope": 0.1}, "from where to where"),
        ("x > 0", {"rope": (np.nan, 1)}, "from where to where"),
        ("x > 0", {"level": 95}, "level=0.95"),
    ],
)
def test_bad_input_gets_a_sentence(text, options, message):
    _, post = with_priors()
    with pytest.raises(ArgumentError, match=message):
        post.hypothesis(text, **options)


def test_a_coefficient_named_like_another_parameter_must_be_told_apart():
    data = frame().rename(columns={"x": "sigma"})
    c = case("y ~ sigma + (1 | g)", data)
    post = replace(c.post, priors=resolve(c.design))
    with pytest.raises(ArgumentError, match=r"`sigma` is both.*`beta\[sigma\]`"):
        post.hypothesis("sigma > 0")
    assert_allclose(post.hypothesis("beta[sigma] > 0").draws[:, 0], c.beta[:, 1])


@pytest.mark.parametrize("formula", ["y ~ 0 + (1 | g)", "y ~ f * z + (z || g) + (1 | a/b)"])
def test_models_of_every_kind_have_hypotheses(formula):
    c = case(formula)
    post = replace(c.post, priors=resolve(c.design))
    found = post.hypothesis(["sd_g[Intercept] > 1", *(f"`{name}` = 0" for name in c.design.coef_names)])
    assert (found.table["evidence_ratio"] >= 0).all()
    assert len(found.table) == 1 + c.design.p
