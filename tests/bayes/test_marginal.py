"""The marginal posterior: its density against priors, likelihood and Jacobian; the sampler; what it leaves behind."""

import numpy as np
import pytest
from scipy.linalg import block_diag

import bayeslmm as blm
from bayeslmm.bayes.integrated import Integrated
from bayeslmm.bayes.marginal import chain as chains
from bayeslmm.bayes.marginal import run as running
from bayeslmm.bayes.marginal.callback import forget, register
from bayeslmm.bayes.marginal.chain import Chain, windows
from bayeslmm.bayes.marginal.importance import importance
from bayeslmm.bayes.marginal.loops import loops, python_density
from bayeslmm.bayes.marginal.mode import Gaussian, at_mode
from bayeslmm.bayes.marginal.nuts import N_ADAPTATION
from bayeslmm.bayes.marginal.run import run
from bayeslmm.bayes.marginal.target import Target
from bayeslmm.bayes.priors import resolve
from bayeslmm.bayes.settings import Settings
from bayeslmm.errors import ArgumentError
from bayeslmm.likelihood.compiled import engine as compiled_engine
from bayeslmm.likelihood.compiled.plan import GAP
from bayeslmm.results.convergence import ess_bulk, rhat
from tests.bayes.test_integrated import differences
from tests.designs import SHAPES, make_design

PRIORS = {
    "default": {},
    "all kinds": {
        "sd": blm.Gamma(2, 1),
        "sigma": blm.LogNormal(0, 1),
        "x1": blm.Uniform(-20, 30),
        "x2": blm.TruncatedNormal(1, 2, lower=-5),
        "cor": blm.LKJ(1),
    },
    "bounded": {"sd": blm.Uniform(0, 9), "sigma": blm.HalfCauchy(1), "x1": blm.TruncatedNormal(0, 9, upper=12)},
}


def make_target(shape: str, priors: str = "default") -> Target:
    design = make_design(shape, 3, weighted=True)
    given = {k: v for k, v in PRIORS[priors].items() if k != "cor" or any(t.pairs for t in design.terms)}
    return Target.of(Integrated.of(design, resolve(design, given)), design.terms)


@pytest.fixture(scope="module")
def sleepstudy() -> blm.Model:
    return blm.Model("Reaction ~ Days + (Days | Subject)", blm.datasets.load("sleepstudy"))


# -- the density ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("priors", PRIORS)
def test_density_is_prior_times_likelihood_times_jacobian(shape, priors):
    target = make_target(shape, priors)
    x = np.random.default_rng(5).normal(size=target.scalars.d)
    value = target.log_density(x, np.empty_like(x))
    assert value == pytest.approx(by_hand(target, x), rel=1e-8)


def by_hand(target: Target, x: np.ndarray) -> float:
    scalars, R = parts(target, x)
    n_sd = target.scalars.n_sd
    factors = np.repeat(scalars[:n_sd], target.problem.row[:, 1]) * R
    total, *_ = target.integrated.value_and_gradient(factors, scalars[n_sd], scalars[n_sd + 1 :])
    total += sum(float(s.prior.logp(v)) for s, v in zip(target.scalars.slots, scalars, strict=True))
    for correlations, prior in blocks(target, R):
        total += float(prior.logp(correlations))
    jacobian = np.stack([derivative(target, x, e) for e in np.eye(x.size)])
    return total + float(np.linalg.slogdet(jacobian)[1])


def parts(target: Target, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    scalars, R = target.constrained(x[None])
    return scalars[0], R[0]


def blocks(target: Target, R: np.ndarray) -> list:
    """Correlation matrices of the blocks, and their priors."""
    out, at = [], 0
    for term in target.terms:
        L = R[at : at + term.k**2].reshape(term.k, term.k)
        at += term.k**2
        correlated = [block for block in term.blocks if len(block) > 1]
        out += [((L @ L.T)[np.ix_(block, block)], target.integrated.priors.cor(term)) for block in correlated]
    return out


def derivative(target: Target, x: np.ndarray, e: np.ndarray) -> np.ndarray:
    """Of the scalars and the correlations, in the direction e, by central differences of the fourth order."""

    def at(h: float) -> np.ndarray:
        scalars, R = parts(target, x + h * e)
        below = [M[np.tril_indices(M.shape[0], -1)] for M, _ in blocks(target, R)]
        return np.concatenate([scalars, *below])

    h = 1e-3
    return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("priors", PRIORS)
@pytest.mark.parametrize("small", [True, False])
def test_gradient_is_that_of_differences(shape, priors, small, monkeypatch):
    if not small:
        monkeypatch.setattr(compiled_engine, "SMALL", 0)
    target = make_target(shape, priors)
    assert target.is_small == small
    gradient, scratch = np.empty((2, target.scalars.d))
    for scale in (0.3, 2.0):
        x = scale * np.random.default_rng(6).normal(size=target.scalars.d)
        target.log_density(x, gradient)
        numbers = differences(lambda v, t=target, s=scratch: t.log_density(v, s), x)
        np.testing.assert_allclose(gradient, numbers, rtol=1e-5, atol=1e-5 * np.abs(numbers).max())


def test_both_paths_have_the_same_density_and_draws(monkeypatch):
    X = np.random.default_rng(7).normal(size=(3, make_target("everything").scalars.d))
    found = []
    for small in (96, 0):
        monkeypatch.setattr(compiled_engine, "SMALL", small)
        target = make_target("everything", "all kinds")
        x = np.resize(X, (3, target.scalars.d))
        z = np.random.default_rng(8).normal(size=(3, target.n_normals))
        values = [target.log_density(row, np.empty_like(row)) for row in x]
        found.append((values, target.values(x, z)))
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-12)
    for name, value in found[0][1].items():
        np.testing.assert_allclose(value, found[1][1][name], rtol=1e-9, atol=1e-9, err_msg=name)


def test_far_out_there_is_no_density_and_no_error():
    target = make_target("crossed")
    for far in (-1e3, 1e3, np.nan):
        assert target.log_density(np.full(target.scalars.d, far), np.empty(target.scalars.d)) == -np.inf


# -- the sampler ---------------------------------------------------------------------------------------------------

COVARIANCE = block_diag([[1.0, 0.9], [0.9, 1.0]], 9.0)


def normal_density(x: np.ndarray, gradient: np.ndarray) -> float:
    gradient[:] = -np.linalg.solve(COVARIANCE, x - 1)
    return float(0.5 * (x - 1) @ gradient)


@pytest.fixture
def normal(sleepstudy):
    """A problem whose density is that of a normal distribution, by address of a Python function."""
    target = Target.of(Integrated.of(sleepstudy.design, sleepstudy.priors), sleepstudy.design.terms)
    target.problem.key[0] = register(normal_density)
    yield target.problem
    forget(int(target.problem.key[0]))


def begin(seed: int) -> Chain:
    return Chain.begin(0, seed, Gaussian(np.zeros(3), np.eye(3)), lambda _: True)


@pytest.mark.sampling
def test_moments_of_a_normal_distribution(normal):
    chain = begin(1)
    for size in (200, 200):
        chain.whiten(chain.draw(python_density(), normal, size, 0.9, tuning=True)[0])
    chain.draw(python_density(), normal, 100, 0.9, tuning=True)
    draws, statistics = chain.draw(python_density(), normal, 4000, 0.9)
    assert not statistics[:, 0].any()
    np.testing.assert_allclose(statistics[:, 2], [normal_density(x, np.empty(3)) for x in draws], rtol=1e-12)
    assert 0.8 < statistics[:, 3].mean() < 0.97
    error = 4 / np.sqrt(2000)
    np.testing.assert_allclose((draws.mean(axis=0) - 1) / np.sqrt(np.diag(COVARIANCE)), 0, atol=error)
    z = np.linalg.solve(np.linalg.cholesky(COVARIANCE), (draws - 1).T)
    np.testing.assert_allclose(z @ z.T / 4000, np.eye(3), atol=1.5 * error)


def test_blocks_change_no_bit_and_neither_does_going_on_later(normal):
    whole, cut = begin(2), begin(2)
    for chain in (whole, cut):
        chain.draw(python_density(), normal, 30, 0.9, tuning=True)
    expected, _ = whole.draw(python_density(), normal, 20, 0.9)
    first, _ = cut.draw(python_density(), normal, 7, 0.9)
    cut.normals(7, 5)
    cut.done = 7
    later = Chain.resumed(0, 2, cut.state(30), 5)
    rest, _ = later.draw(python_density(), normal, 13, 0.9)
    assert np.array_equal(expected, np.concatenate([first, rest]))
    assert np.array_equal(cut.normals(3, 5), later.normals(3, 5))


def test_a_density_that_breaks_is_a_divergence(normal):
    forget(int(normal.key[0]))

    def broken(x, gradient):
        gradient[:] = -x
        if np.abs(x).max() > 1:
            raise np.linalg.LinAlgError
        return -0.5 * float(x @ x)

    normal.key[0] = register(broken)
    chain = begin(3)
    chain.z[:] = 0.0
    draws, statistics = chain.draw(python_density(), normal, 50, 0.9)
    assert statistics[:, 0].any()
    assert np.abs(draws).max() <= 1


@pytest.mark.parametrize(("tune", "expected"), [(10, [10]), (200, [100, 100]), (1001, [250, 250, 501])])
def test_windows_of_warm_up(tune, expected):
    assert list(windows(tune)) == expected


def test_without_a_density_at_the_start_it_says_so():
    with pytest.raises(ArgumentError, match="no density where sampling starts"):
        at_mode(lambda x, g: -np.inf, np.zeros(2))


# -- runs ----------------------------------------------------------------------------------------------------------


def test_a_sink_gets_every_draw_and_can_go_on(sleepstudy):
    settings = Settings(draws=60, tune=40, chains=2, cores=2, seed=5, target_accept=0.9, progressbar=False)
    whole = run(sleepstudy.design, sleepstudy.priors, settings)
    kept: dict[int, list] = {0: [], 1: []}

    class Sink:
        def block(self, chain, start, values, statistics, state):
            assert start == sum(v["sigma"].shape[0] for v, _ in kept[chain])
            kept[chain].append((values, state))

    run(sleepstudy.design, sleepstudy.priors, settings, sink=Sink())
    for chain, blocks_ in kept.items():
        for name, value in whole.values.items():
            assert np.array_equal(np.concatenate([v[name] for v, _ in blocks_]), value[chain])
    first, state = kept[1][0]
    rest = run(sleepstudy.design, sleepstudy.priors, settings, resume=[None, state])
    n = first["sigma"].shape[0]
    assert np.array_equal(rest.values["b_Subject"][1], whole.values["b_Subject"][1, n:])


def test_arrays_of_the_sampler_end_far_from_the_next(sleepstudy, monkeypatch):
    """Where they do not, compiled code rounds otherwise, and the last bits depend on where memory was free."""
    real, seen = loops(), []

    def advance(*arguments):
        seen.extend(a for a in arguments if isinstance(a, np.ndarray) and a.dtype == float and a.size != N_ADAPTATION)
        return real.advance(*arguments)

    monkeypatch.setattr(chains, "loops", lambda: real._replace(advance=advance))
    run(sleepstudy.design, sleepstudy.priors, Settings(20, 40, 2, 2, 1, 0.9, False))
    assert len(seen) >= 12
    for array in seen:
        assert array.base.size >= array.size + GAP, array.shape


def test_an_error_in_a_worker_reaches_the_caller(sleepstudy, monkeypatch):
    def fail(*_):
        raise np.linalg.LinAlgError("broken")

    monkeypatch.setattr(running.Target, "values", fail)
    with pytest.raises(np.linalg.LinAlgError, match="broken"):
        run(sleepstudy.design, sleepstudy.priors, Settings(20, 20, 2, 2, 1, 0.9, False))


@pytest.mark.sampling
@pytest.mark.parametrize("small", [True, False])
def test_importance_sampling_has_the_same_posterior(small, monkeypatch):
    if not small:
        monkeypatch.setattr(compiled_engine, "SMALL", 0)
    model = blm.Model("diameter ~ 1 + (1 | plate) + (1 | sample)", blm.datasets.load("penicillin"))
    settings = Settings(draws=500, tune=100, chains=2, cores=2, seed=5, target_accept=0.9, progressbar=False)
    found, by_nuts = importance(model.design, model.priors, settings), run(model.design, model.priors, settings)
    assert found.k < 0.5
    assert found.ess > 1000
    for name in ("beta", "sd_plate", "sd_sample", "sigma", "b_sample"):
        one, two = (v.values[name].reshape(1000, -1) for v in (found.raw, by_nuts))
        difference = np.abs(np.log(np.abs(one)).mean(axis=0) - np.log(np.abs(two)).mean(axis=0))
        assert (difference < 5 * np.log(np.abs(two)).std(axis=0) / np.sqrt(250)).all(), name


@pytest.mark.sampling
def test_a_singular_slope_has_no_divergences():
    model = blm.Model("salary ~ 1 + grade + (1 + grade | major)", blm.datasets.load("salary"))
    runs = [run(model.design, model.priors, Settings(1000, 200, 4, 2, seed, 0.9, False)) for seed in range(20)]
    assert sum(int(r.statistics["diverging"].sum()) for r in runs) == 0
    for name in ("sd_major", "sigma", "cor_major"):
        values = np.concatenate([r.values[name].reshape(4, 1000, -1) for r in runs], axis=0)
        assert rhat(values.transpose(2, 0, 1)).max() < 1.01  # the 80 chains of 20 seeds agree


@pytest.mark.sampling
def test_draws_are_nearly_independent(sleepstudy):
    raw = run(sleepstudy.design, sleepstudy.priors, Settings(1000, 200, 4, 2, 1, 0.9, False))
    for name, value in raw.values.items():
        assert ess_bulk(value.reshape(4, 1000, -1).transpose(2, 0, 1)).min() > 2500, name
