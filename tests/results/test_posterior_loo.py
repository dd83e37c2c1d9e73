"""Leave-one-out and leave-one-group-out against refits: the posterior on a grid, with and without the row or group."""

from dataclasses import dataclass, replace
from functools import cache

import arviz as az
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import logsumexp
from scipy.stats import norm

import bayeslmm as blm
from bayeslmm.bayes.priors import resolve
from bayeslmm.design import build
from bayeslmm.errors import ArgumentError
from bayeslmm.results.posterior import Posterior
from bayeslmm.results.posterior_left_out import integrated, without_each_level, without_each_row
from tests.results.posterior_draws import case, frame, make_tree

GROUPS = {"g": 6, "h": 5}
PRIORS = {
    "normal": None,
    "given": {"x": blm.StudentT(4, 0.0, 1.0)},
}


@dataclass(frozen=True)
class Grid:
    """A posterior whose sds, sigma, and where it is given the slope, lie on a grid; everything about it is a sum.

    Attributes
    ----------
    post
        One draw for each point of the grid.
    log_prior
        (S,): log prior probability of each point.
    V, mean
        (S, n, n) and (S, n): of y at each point.
    """

    post: Posterior
    log_prior: np.ndarray
    V: np.ndarray
    mean: np.ndarray

    def log_p(self, kept: np.ndarray) -> np.ndarray:
        """(S,): log p(y_kept | point)."""
        L = np.linalg.cholesky(self.V[:, kept[:, None], kept])
        z = np.linalg.solve(L, (self.post.design.y_net[kept] - self.mean[:, kept])[:, :, None])[:, :, 0]
        log_det = 2 * np.log(np.diagonal(L, axis1=1, axis2=2)).sum(axis=1)
        return -0.5 * (kept.size * np.log(2 * np.pi) + log_det + (z**2).sum(axis=1))

    def evidence(self, kept: np.ndarray) -> float:
        """Log p(y_kept), the refit without the other rows."""
        return float(logsumexp(self.log_prior + self.log_p(kept)))

    @property
    def log_posterior(self) -> np.ndarray:
        """(S,): log probability of each point given all rows."""
        log_q = self.log_prior + self.log_p(np.arange(self.post.nobs))
        return log_q - logsumexp(log_q)


@cache
def grid(kind: str) -> Grid:
    data = frame(3, n=30)
    design = build("y ~ x + (1 | g) + (1 | h)", data, weights="w", offset="o")
    priors = resolve(design, PRIORS[kind])
    centred = design.X[:, 1] - design.weights @ design.X[:, 1] / design.weights.sum()
    y = design.y_net
    intercept = priors.beta[0].prior
    sds, sigmas = np.exp(np.linspace(-2, 2.5, 7)), np.exp(np.linspace(0.3, 2.2, 8))
    slopes = np.linspace(-2, 2, 4) if kind == "given" else np.zeros(1)
    points = np.array([(a, b, s, t) for a in sds for b in sds[::2] for s in sigmas for t in slopes])
    log_prior = priors.sigma.prior.logp(points[:, 2]) + np.log(points[:, :3]).sum(axis=1)
    for j, term in enumerate(design.terms):
        log_prior = log_prior + priors.sd(term)[0].prior.logp(points[:, j])
    if kind == "given":
        log_prior = log_prior + priors.beta[1].prior.logp(points[:, 3])
    together = [term.index[:, None] == term.index for term in design.terms]
    V = (
        np.array([a**2 * together[0] + b**2 * together[1] + np.diag(s**2 / design.weights) for a, b, s, _ in points])
        + intercept.sigma**2
    )
    mean = np.full((len(points), y.size), intercept.mu)
    if kind == "given":
        mean += points[:, 3:] * centred
    else:
        V += priors.beta[1].prior.sigma ** 2 * np.outer(centred, centred)
    return Grid(posterior(design, priors, points), log_prior - logsumexp(log_prior), V, mean)


def posterior(design, priors, points, shape=None) -> Posterior:
    """Draws at these points; what is integrated out is filled with numbers that must not matter."""
    rng, S = np.random.default_rng(0), len(points)
    beta = np.column_stack([rng.normal(size=S), points[:, 3]])
    sd = {t.group: points[:, j : j + 1] for j, t in enumerate(design.terms)}
    corr = {t.group: np.ones((S, 1, 1)) for t in design.terms}
    b = {t.group: rng.normal(size=(S, t.n_levels, 1)) for t in design.terms}
    tree = make_tree(design, shape or (1, S), beta, points[:, 2], sd, corr, b, rng)
    return Posterior(data=tree, design=design, priors=priors, model=None)


@pytest.mark.parametrize("kind", PRIORS)
def test_rows_left_out_are_those_of_the_refits(kind):
    it = grid(kind)
    without = without_each_row(integrated(it.post.draws, it.post.priors)).without
    everything = np.arange(it.post.nobs)
    whole = it.evidence(everything)
    expected = [whole - it.evidence(np.delete(everything, i)) for i in everything]
    assert_allclose(-logsumexp(it.log_posterior[:, None] - without, axis=0), expected, rtol=1e-10)


@pytest.mark.parametrize("kind", PRIORS)
@pytest.mark.parametrize("group", GROUPS)
def test_groups_left_out_are_those_of_the_refits(kind, group):
    it = grid(kind)
    levels, without = without_each_level(integrated(it.post.draws, it.post.priors), group)
    term = next(t for t in it.post.design.terms if t.group == group)
    assert levels == term.levels
    whole = it.evidence(np.arange(it.post.nobs))
    expected = [whole - it.evidence(np.flatnonzero(term.index != g)) for g in range(len(levels))]
    assert_allclose(-logsumexp(it.log_posterior[:, None] - without, axis=0), expected, rtol=1e-10)


def sampled(it: Grid, seed: int, size: int = 4000) -> Posterior:
    """Independent draws from the posterior on the grid."""
    rng = np.random.default_rng(seed)
    chosen = rng.choice(it.log_posterior.size, size=size, p=np.exp(it.log_posterior))
    drawn = it.post.draws
    terms = it.post.design.terms
    points = np.column_stack([*(drawn.sd(t)[:, 0] for t in terms), drawn.sigma, drawn.beta[:, 1]])[chosen]
    return posterior(it.post.design, it.post.priors, points, (4, size // 4))


def scores(it: Grid, found: np.ndarray, without: np.ndarray, outs: list[np.ndarray]) -> np.ndarray:
    """Errors of elpd in standard errors of an importance sample, whose weights are 1 / p(y_out | the rest, point)."""
    everything, S = np.arange(it.post.nobs), 4000
    whole = it.evidence(everything)
    expected = np.array([whole - it.evidence(np.setdiff1d(everything, out)) for out in outs])
    log_variance = logsumexp(it.log_posterior[:, None] + 2 * (expected - without), axis=0)  # weights have mean 1
    usable = log_variance < np.log(S / 20)
    assert usable.mean() > 0.6
    return (found - expected)[usable] / np.sqrt(np.expm1(log_variance[usable]) / S)


@pytest.mark.parametrize("kind", PRIORS)
def test_psis_finds_the_refits(kind):
    it = grid(kind)
    post = sampled(it, seed=5)
    points = integrated(it.post.draws, it.post.priors)
    loo = post.loo()  # its Pareto k mean nothing here: draws from a grid have ties
    assert not loo.conditional
    rows = [np.array([i]) for i in range(it.post.nobs)]
    z = scores(it, loo.pointwise["elpd"].to_numpy(), without_each_row(points).without, rows)
    assert np.abs(z).max() < 4
    term = it.post.design.terms[0]
    logo = post.logo(term.group)
    assert list(logo.pointwise.index) == list(term.levels)
    groups = [np.flatnonzero(term.index == g) for g in range(term.n_levels)]
    z = scores(it, logo.pointwise["elpd"].to_numpy(), without_each_level(points, term.group)[1], groups)
    assert np.abs(z).max() < 4


def test_pit_is_the_predictive_probability_of_the_refits():
    it = grid("normal")
    found = sampled(it, seed=5).loo().pit
    everything, y = np.arange(it.post.nobs), it.post.design.y_net
    for i in (0, 6, 14, 23):
        rest = np.delete(everything, i)
        log_q = it.log_prior + it.log_p(rest)
        gain = np.linalg.solve(it.V[:, rest[:, None], rest], it.V[:, rest, i][:, :, None])[:, :, 0]
        mean = it.mean[:, i] + (gain * (y[rest] - it.mean[:, rest])).sum(axis=1)
        sd = np.sqrt(it.V[:, i, i] - (gain * it.V[:, rest, i]).sum(axis=1))
        expected = np.exp(log_q - logsumexp(log_q)) @ norm.cdf((y[i] - mean) / sd)
        assert abs(found[i] - expected) < 0.015


def test_fewer_draws_are_used_where_there_are_many_rows_and_it_is_said(monkeypatch):
    post = sampled(grid("normal"), seed=5)
    whole = post.loo()
    monkeypatch.setattr("bayeslmm.results.posterior_loo.NUMBERS", 30 * 1000)
    some = post.loo()
    assert some.elpd.n_samples == 1000
    assert "from 1000 of 4000 draws (loo(draws=4000) takes all)" in str(some)
    assert_allclose(some.table.loc["elpd_loo", "estimate"], whole.table.loc["elpd_loo", "estimate"], atol=1)
    assert_allclose(post.loo(draws=4000).pointwise["elpd"], whole.pointwise["elpd"])


def test_what_was_integrated_out_is_said():
    it = grid("given")
    post = sampled(it, seed=1, size=400)
    assert "random effects and coefficients integrated out exactly but for `x`" in str(post.loo())
    assert "given their random effects (conditional)" in str(post.loo(conditional=True))
    logo = post.logo("g")
    assert "PSIS-LOGO from 400 draws: 6 levels of `g` with 30 observations" in str(logo)
    assert list(logo.table.index) == ["elpd_logo", "logoic"]


def test_effective_parameters_are_counted_with_the_integrated_ones():
    it = grid("normal")
    post = sampled(it, seed=2)
    found = post.loo()
    lpd = without_each_row(integrated(post.draws, post.priors)).within
    assert_allclose(found.table.loc["p_loo", "estimate"], (lpd - found.pointwise["elpd"]).sum())
    assert_allclose(found.elpd.p, found.table.loc["p_loo", "estimate"])
    assert 2 < found.elpd.p < 2 + 11  # two coefficients, and no more than all eleven levels


def test_a_new_response_given_all_rows_is_the_mixture_of_normals_over_effects():
    """`within` against drawing the effects: the mean density over exact draws of (beta, b)."""
    it = grid("normal")
    s, design = 37, it.post.design
    points = integrated(it.post.draws, it.post.priors)
    within = without_each_row(replace(points, given=points.given.part(slice(s, s + 1)))).within
    sigma2 = it.post.draws.sigma[s] ** 2 / design.weights
    signal = it.V[s] - np.diag(sigma2)
    gain = signal @ np.linalg.inv(it.V[s])
    mean = it.mean[s] + gain @ (design.y_net - it.mean[s])
    variance = np.diag(signal - gain @ signal) + sigma2
    assert_allclose(within, norm.logpdf(design.y_net, mean, np.sqrt(variance)), rtol=1e-10)


def test_the_better_model_wins_and_arviz_compares():
    data = frame(3, n=60)
    data["y"] = data["y"] + 6 * data["x"]
    posts = {}
    for name, slope in (("with", 6.0), ("without", 0.0)):
        design = build("y ~ x + (1 | g)" if slope else "y ~ 1 + (1 | g)", data)
        sigma = 3.0 if slope else 6.5
        rng = np.random.default_rng(1)
        S, t = 400, design.terms[0]
        tree = make_tree(
            design,
            (2, 200),
            np.tile([10.0, slope][: design.p], (S, 1)),
            sigma * np.exp(rng.normal(0, 0.05, S)),
            {"g": np.exp(rng.normal(-1, 0.2, (S, 1)))},
            {"g": np.ones((S, 1, 1))},
            {"g": np.zeros((S, t.n_levels, 1))},
            rng,
        )
        posts[name] = Posterior(data=tree, design=design, priors=resolve(design), model=None)
    for table in (
        az.compare({k: p.loo().elpd for k, p in posts.items()}),
        az.compare({k: p.logo("g").elpd for k, p in posts.items()}),
    ):
        assert table.index[0] == "with"
        assert table.loc["without", "elpd_diff"] < -3 * table.loc["without", "dse"]


def with_priors(formula: str, given=None, data=None, **options) -> Posterior:
    c = case(formula, data, **options)
    return replace(c.post, priors=resolve(c.design, given))


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ x + (1 + z | g)",
        "y ~ x + (1 + z || g) + (1 | h)",
        "y ~ f * x + (1 | a/b)",
        "y ~ 0 + (1 | g)",
        "y ~ x + I(2 * x) + (x | g)",
    ],
)
@pytest.mark.filterwarnings("ignore:the fixed part is rank deficient")
@pytest.mark.parametrize("priors", [None, "flat"])
def test_every_kind_of_model_has_a_loo(formula, priors):
    post = with_priors(formula, priors, weights="w", offset="o", draws=30)
    loo = post.loo()
    assert np.isfinite(loo.pointwise["elpd"]).all()
    for term in post.design.terms:
        assert np.isfinite(post.logo(term.group).pointwise["elpd"]).all()


def alone() -> dict:
    data = frame()
    data["f"] = ["only" if i == 7 else "others" for i in range(len(data))]
    data["k"] = ["in g1" if g == "g1" else "else" for g in data["g"]]
    return data


def test_a_flat_coefficient_that_one_row_alone_tells_is_refused_with_a_sentence():
    with pytest.raises(ArgumentError, match=r"without the row 7 nothing is known about `f.*flat.*give it a normal"):
        with_priors("y ~ f + (1 | g)", "flat", alone()).loo()
    with pytest.raises(ArgumentError, match="without the level `g1` of `g` nothing is known about `k"):
        with_priors("y ~ k + (1 | g)", "flat", alone()).logo("g")
    assert np.isfinite(with_priors("y ~ f + (1 | g)", None, alone()).loo().pointwise["elpd"]).all()
    assert np.isfinite(with_priors("y ~ k + (1 | g)", None, alone()).logo("g").pointwise["elpd"]).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p: p.logo("G"), "no such grouping factor; did you mean `g`"),
        (lambda p: p.loo(draws=10), "at least 400"),
        (lambda p: p.loo(conditional=True, draws=500), "takes all draws"),
        (lambda p: p.logo(3), "no such grouping factor"),
        (lambda p: replace(p, priors=None).loo(), r"not known as distributions.*loo\(conditional=True\)"),
    ],
)
def test_what_cannot_be_left_out_gets_a_sentence(call, message):
    with pytest.raises(ArgumentError, match=message):
        call(with_priors("y ~ x + (1 | g)"))


@pytest.mark.sampling
@pytest.mark.slow
def test_integrating_the_effects_out_leaves_no_bad_row_where_the_conditional_one_has_some():
    post = blm.brm("Reaction ~ Days + (Days | Subject)", blm.datasets.load("sleepstudy"), seed=1, progressbar=False)
    assert post.diagnostics().ok
    exact, conditional = post.loo(), post.loo(conditional=True)
    assert exact.n_bad <= 1 < conditional.n_bad
    assert exact.pointwise["pareto_k"].max() < conditional.pointwise["pareto_k"].max()
    assert abs(exact.table.loc["elpd_loo", "estimate"] - conditional.table.loc["elpd_loo", "estimate"]) < 4
