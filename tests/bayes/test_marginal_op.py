"""The integrated likelihood as a PyTensor Op: what it says, its derivatives, other data without compiling again."""

import gc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.gradient import DisconnectedInputError
from pytensor.link.numba.dispatch.basic import numba_funcify_and_cache_key

import bayeslmm as blm
from bayeslmm.bayes.marginal_op import Data, MarginalLogDensity, evaluate, log_density
from bayeslmm.bayes.priors import resolve
from bayeslmm.errors import ArgumentError
from tests.bayes.test_hierarchical import CASES, DATA, PLAIN
from tests.designs import make_design

SHAPE = "crossed"


@pytest.fixture(scope="module")
def data() -> Data:
    return make_data(3)


def make_data(seed: int) -> Data:
    design = make_design(SHAPE, seed, weighted=True)
    return Data(design, resolve(design, {"x1": blm.StudentT(3, 0, 1)}))


def inputs(data: Data, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    C = [np.linalg.cholesky(np.cov(rng.normal(size=(2, 9)))), np.diag(rng.uniform(0.3, 2, 2))]
    return np.concatenate([c.ravel() for c in C]), np.array(rng.uniform(0.5, 2)), rng.normal(size=1)


def symbolic(data: Data):
    variables = pt.dvector("factors"), pt.dscalar("sigma"), pt.dvector("beta")
    return variables, log_density(data, *variables)


def test_value_and_derivatives_are_those_of_the_likelihood(data):
    variables, value = symbolic(data)
    f = pytensor.function(variables, [value, *pytensor.grad(3 * value, list(variables))], mode=PLAIN)
    expected = data.integrated.value_and_gradient(*inputs(data))
    assert_allclose(f(*inputs(data))[0], expected[0], rtol=1e-12)
    for got, one in zip(f(*inputs(data))[1:], expected[1:], strict=True):
        assert_allclose(got, 3 * np.asarray(one), rtol=1e-12)


@pytest.mark.parametrize("shape", [(0,), (1,), (2,)])
def test_shapes_are_inferred(data, shape):
    variables = pt.dvector("factors"), pt.dscalar("sigma"), pt.dvector("beta")
    outputs = MarginalLogDensity().make_node(pt.as_tensor(np.int64(data.key)), *variables).outputs
    f = pytensor.function(variables, [o.shape for o in outputs], on_unused_input="ignore")
    got = [tuple(s) for s in f(np.zeros(7), 1.0, np.zeros(shape))]
    assert got == [(), (7,), (), shape]


def test_the_derivatives_themselves_and_the_data_are_not_differentiated(data):
    variables = pt.dvector("factors"), pt.dscalar("sigma"), pt.dvector("beta")
    key = pt.dscalar("key")
    outputs = MarginalLogDensity().make_node(pt.cast(key, "int64"), *variables).outputs
    with pytest.raises(DisconnectedInputError):
        pytensor.grad(outputs[1].sum(), variables[0])
    with pytest.raises(DisconnectedInputError):
        pytensor.grad(outputs[0], key)


def test_other_data_need_no_other_code(data):
    """One compiled function, first with these data and then with others; the code on disk is found by the same name."""
    other = make_data(8)
    variables, value = symbolic(data)
    key = next(v for v in value.owner.inputs if isinstance(v, SharedVariable))
    f = pytensor.function(variables, value, mode="NUMBA")
    at = inputs(data)
    assert_allclose(f(*at), data.integrated.value_and_gradient(*at)[0], rtol=1e-12)
    key.set_value(np.int64(other.key))
    assert_allclose(f(*at), other.integrated.value_and_gradient(*at)[0], rtol=1e-12)
    names = {numba_funcify_and_cache_key(d.owner.op, node=d.owner)[1] for d in (value, symbolic(other)[1])}
    assert len(names) == 1
    assert names != {None}


def test_who_has_the_compiled_function_has_the_data():
    data = make_data(5)
    at = inputs(data)
    expected = float(data.integrated.value_and_gradient(*at)[0])
    variables, value = symbolic(data)
    f = pytensor.function(variables, value, mode=PLAIN)
    del data, variables, value
    gc.collect()
    assert_allclose(f(*at), expected, rtol=1e-12)


def test_threads_do_not_disturb_each_other(data):
    points = [inputs(data, seed) for seed in range(60)]
    alone = [float(evaluate(data.key, *p)[0]) for p in points]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda p: float(evaluate(data.key, *p)[0]), points))
    assert_array_equal(together, alone)


def test_numbers_too_large_to_factorise_have_no_density(data):
    factors, sigma, beta = inputs(data)
    for at in ((np.full_like(factors, np.nan), sigma, beta), (factors, 0.0, beta)):
        value, *derivatives = evaluate(data.key, *at)
        assert value == -np.inf
        assert all(np.isnan(d).all() for d in derivatives)


def test_in_jax(data):
    jax = pytest.importorskip("jax")
    from bayeslmm.bayes.marginal_jax import value_alone

    variables, value = symbolic(data)
    f = pytensor.function(variables, [value, *pytensor.grad(value, list(variables))], mode="JAX")
    at = inputs(data)
    for got, expected in zip(f(*at), data.integrated.value_and_gradient(*at), strict=True):
        assert_allclose(got, expected, rtol=1e-12)
    function = jax.value_and_grad(value_alone, argnums=(1, 2, 3))
    value, derivatives = jax.jit(function)(data.key, *at)
    for got, expected in zip((value, *derivatives), data.integrated.value_and_gradient(*at), strict=True):
        assert_allclose(got, expected, rtol=1e-12)


# -- the PyMC model ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", ["correlated slope", "nested", "two blocks", "weights and offset", "no fixed effects"])
def test_gradient_of_the_model_is_that_of_differences(case):
    formula, options = CASES[case]
    model = blm.Model(formula, DATA, priors={"beta": blm.StudentT(3, 0, 1)} if "x" in formula else None, **options)
    pm_model = model.pymc_model(marginal=True)
    point = pm_model.initial_point()
    rng = np.random.default_rng(1)
    point = {name: value + 0.3 * rng.normal(size=np.shape(value)) for name, value in point.items()}
    logp, dlogp = pm_model.compile_logp(mode=PLAIN), pm_model.compile_dlogp(mode=PLAIN)
    numbers = []
    for name in (v.name for v in pm_model.value_vars):
        for i in range(point[name].size):
            step = np.zeros(point[name].size)
            step[i] = 1e-5
            ends = [float(logp(point | {name: point[name] + s * step.reshape(point[name].shape)})) for s in (1, -1)]
            numbers.append((ends[0] - ends[1]) / 2e-5)
    assert_allclose(dlogp(point), numbers, rtol=1e-5, atol=1e-5)


def test_the_model_has_the_names_of_the_hierarchical_one():
    model = blm.Model("y ~ x + z + (x + z | g) + (1 | h)", DATA, priors={"z": blm.StudentT(3, 0, 1)})
    one, other = model.pymc_model(marginal=True), model.pymc_model()
    names = {v.name for v in one.free_RVs}
    assert names == {"beta_centred", "sd_g", "L_g", "sd_h", "sigma"}
    for name in ("sd_g", "cor_g", "sd_h"):
        assert one.named_vars_to_dims[name] == other.named_vars_to_dims[name]
    assert list(one.coords["coef_sampled"]) == ["z"]
    assert all(tuple(other.coords[d]) == tuple(v) for d, v in one.coords.items() if d != "coef_sampled")


def test_a_model_of_one_s_own():
    model = blm.Model("y ~ x + (x | g) + (1 | h)", DATA, priors={"x": blm.StudentT(4, 0, 2)})
    with pm.Model() as own:
        sd = pm.HalfNormal("sd", 3, shape=2)
        L = pm.LKJCorr("L", n=2, eta=1)
        sigma, beta = pm.HalfNormal("sigma", 3), pm.Normal("beta")
        pm.Potential("y", model.marginal_logp({"g": sd, "h": 0.7}, sigma, {"g": L}, beta))
    f = own.compile_fn([own["y"]], inputs=[sd, L, sigma, beta], mode=PLAIN, on_unused_input="ignore", point_fn=False)
    R = np.array([[1.0, 0.0], [0.4, np.sqrt(1 - 0.16)]])
    got = f(np.array([1.5, 0.5]), R, 2.0, 1.2)[0]
    data = Data(model.design, model.priors)
    C = np.concatenate([(np.array([1.5, 0.5])[:, None] * R).ravel(), [0.7]])
    assert_allclose(got, data.integrated.value_and_gradient(C, 2.0, np.array([1.2]))[0], rtol=1e-10)


def test_what_marginal_logp_does_not_take():
    model = blm.Model("y ~ x + (x || g)", DATA)
    sampled = blm.Model("y ~ x + (x || g)", DATA, priors={"x": blm.StudentT(4, 0, 2)})
    with pytest.raises(ArgumentError, match="no grouping factor `k`; there is `g`"):
        model.marginal_logp({"k": 1.0}, 1.0)
    with pytest.raises(ArgumentError, match="no entry for the grouping factor `g`"):
        model.marginal_logp({}, 1.0)
    with pytest.raises(ArgumentError, match="`g` has no correlations"):
        model.marginal_logp({"g": np.ones(2)}, 1.0, L={"g": np.eye(2)})
    with pytest.raises(ArgumentError, match="beta is not wanted"):
        model.marginal_logp({"g": np.ones(2)}, 1.0, beta=1.0)
    with pytest.raises(ArgumentError, match="beta must be given: `x`"):
        sampled.marginal_logp({"g": np.ones(2)}, 1.0)
