"""The compiled model without sampling: names, dims, coords, and its log density written out in SciPy."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytensor
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from pymc.model_graph import ModelGraph
from scipy import stats
from scipy.integrate import quad

import bayeslmm as blm
from bayeslmm.bayes.hierarchical import pymc_model
from bayeslmm.bayes.priors import resolve
from bayeslmm.design import Design, build
from bayeslmm.errors import ArgumentError, DesignWarning
from bayeslmm.likelihood.marginal import MarginalLikelihood

# as it is written, without rewriting: no compiler, and nothing simplified away
PLAIN = pytensor.compile.mode.Mode(linker="py", optimizer=None)
rng = np.random.default_rng(11)
N = 72
DATA = pd.DataFrame(
    {
        "y": rng.normal(20, 4, N),
        "x": rng.normal(3, 1, N),
        "z": rng.normal(-1, 2, N),
        "f": np.array(["lo", "mid", "hi"])[np.arange(N) % 3],
        "g": [f"g{i % 6}" for i in range(N)],
        "h": [f"h{i // 6 % 4}" for i in range(N)],
        "w": rng.uniform(0.5, 3, N),
        "o": rng.normal(0, 5, N),
    }
)
DATA["twice"] = 2 * DATA["x"]

CASES = {
    "random intercept": ("y ~ x + (1 | g)", {}),
    "correlated slope": ("y ~ x + (x | g)", {}),
    "three correlated": ("y ~ x + f + (x + z | g)", {}),
    "uncorrelated": ("y ~ x + (x + z || g)", {}),
    "partly correlated": ("y ~ x + (1 + x | g) + (0 + z | g)", {}),
    "two blocks": ("y ~ x + (0 + f | g) + (0 + x + z | g)", {}),
    "nested": ("y ~ x + (1 + z | g/h)", {}),
    "crossed": ("y ~ x + (1 | g) + (x | h)", {}),
    "weights and offset": ("y ~ x + (x | g)", {"weights": "w", "offset": "o"}),
    "no fixed effects": ("y ~ 0 + (1 | g)", {}),
    "no intercept": ("y ~ 0 + f + x + (1 | g)", {}),
    "rank deficient": ("y ~ x + twice + (1 | g)", {}),
}
PRIORS = {
    "given": {
        "Intercept": blm.StudentT(4, 10, 3),
        "x": blm.Normal(1, 2),
        "z": blm.HalfCauchy(1),
        "sd_g[Intercept]": blm.Gamma(2, 0.5),
        "sd_g[x]": blm.Exponential(0.7),
        "sigma": blm.HalfNormal(6),
    },
    "flat": "flat",
}


@dataclass(frozen=True)
class Parameters:
    """One point of the parameter space."""

    centred: np.ndarray
    sigma: float
    sd: dict[str, np.ndarray]
    L: dict[str, np.ndarray]
    z: dict[str, np.ndarray]


def make(formula: str, **options) -> Design:
    return build(formula, DATA, **options)


def random_parameters(design: Design, seed: int) -> Parameters:
    rng = np.random.default_rng(seed)
    sd = {t.group: rng.uniform(0.3, 4, t.k) for t in design.terms}
    z = {t.group: rng.normal(size=(t.n_levels, t.k)) for t in design.terms}
    L = {}
    for t in design.terms:
        R = np.eye(t.k)
        for block in t.blocks:
            A = rng.normal(size=(len(block), 2 * len(block)))
            V = A @ A.T
            R[np.ix_(block, block)] = V / np.sqrt(np.outer(np.diag(V), np.diag(V)))
        L[t.group] = np.linalg.cholesky(R)
    return Parameters(rng.normal(3, 1, design.p) ** 2, rng.uniform(1, 5), sd, L, z)


def unconstrained(model, design: Design, p: Parameters) -> dict[str, np.ndarray]:
    """The point as the model takes it."""
    point = {}
    for rv in model.free_RVs:
        value, name = model.rvs_to_values[rv].name, rv.name
        stem, _, rest = name.partition("_")
        if stem == "beta":
            labels = list(model.coords[model.named_vars_to_dims[name][0]])
            point[value] = p.centred[[design.coef_names.index(c) for c in labels]]
        elif stem == "sigma":
            point[value] = np.array(p.sigma)
        else:
            t = next(t for t in design.terms if rest == t.group or rest.startswith((f"{t.group}_", f"{t.group}[")))
            if stem == "z":
                point[value] = p.z[t.group]
            elif stem == "sd":
                effects = list(model.coords[f"{t.group}_effect"])
                chosen = [effects.index(e) for e in model.coords[model.named_vars_to_dims[name][0]]]
                point[value] = p.sd[t.group][chosen]
            else:
                blocks = [b for b in t.blocks if len(b) > 1]
                block = blocks[int(rest.removeprefix(f"{t.group}_"))] if len(blocks) > 1 else blocks[0]
                point[value] = partial(p.L[t.group][np.ix_(block, block)])
        if value.endswith("_log__"):
            point[value] = np.log(point[value])
    return point


def partial(L: np.ndarray) -> np.ndarray:
    """atanh of the partial correlations, row by row, by inverting submatrices of R."""
    R = L @ L.T
    out = []
    for i in range(1, len(R)):
        for j in range(i):
            keep = [*range(j), j, i]
            P = np.linalg.inv(R[np.ix_(keep, keep)])
            out.append(np.arctanh(-P[-1, -2] / np.sqrt(P[-1, -1] * P[-2, -2])))
    return np.array(out)


def log_lkj(R: np.ndarray, eta: float) -> float:
    """Density of R, its constant from the integrals over each partial correlation."""
    k = len(R)
    constant = 0.0
    for j in range(1, k):
        power = eta - 1 + (k - j - 1) / 2
        constant += (k - j) * np.log(quad(lambda z, power=power: (1 - z * z) ** power, -1, 1)[0])
    return (eta - 1) * np.linalg.slogdet(R)[1] - constant


def frozen(prior, positive: bool):
    """A prior as SciPy's log density."""
    match prior:
        case blm.Normal(mu, sigma):
            return stats.norm(mu, sigma).logpdf
        case blm.StudentT(nu, mu, sigma):
            return stats.t(nu, mu, sigma).logpdf
        case blm.HalfStudentT(nu, sigma):
            return lambda x: np.log(2) + stats.t(nu, 0, sigma).logpdf(x)
        case blm.HalfNormal(sigma):
            return stats.halfnorm(0, sigma).logpdf
        case blm.HalfCauchy(beta):
            return stats.halfcauchy(0, beta).logpdf
        case blm.Exponential(lam):
            return stats.expon(0, 1 / lam).logpdf
        case blm.Gamma(alpha, beta):
            return stats.gamma(alpha, 0, 1 / beta).logpdf
        case blm.Flat():
            return lambda x: 0.0
    raise AssertionError(prior)


def by_hand(design: Design, priors, p: Parameters) -> float:
    """Priors plus likelihood, with densities of beta_centred, sd, L, z and sigma."""
    total = sum(float(frozen(s.prior, False)(b)) for s, b in zip(priors.beta, p.centred, strict=True))
    total += float(frozen(priors.sigma.prior, True)(p.sigma))
    eta = design.offset + design.X @ priors.to_user(p.centred)
    for t in design.terms:
        sd, L, z = p.sd[t.group], p.L[t.group], p.z[t.group]
        total += sum(float(frozen(s.prior, True)(v)) for s, v in zip(priors.sd(t), sd, strict=True))
        total += stats.norm.logpdf(z).sum()
        for block in t.blocks:
            if len(block) > 1:
                L_b = L[np.ix_(block, block)]
                below = np.arange(len(block) - 1, -1, -1)
                total += log_lkj(L_b @ L_b.T, priors.cor(t).eta) + (below * np.log(np.diag(L_b))).sum()  # dR/dL
        for i in range(design.n):
            eta[i] += t.Z[i] @ (sd * (L @ z[t.index[i]]))
    return total + stats.norm.logpdf(design.y, eta, p.sigma / np.sqrt(design.weights)).sum()


@pytest.fixture(params=CASES)
def design(request) -> Design:
    formula, options = CASES[request.param]
    if "twice" in formula:
        with pytest.warns(DesignWarning):
            return make(formula, **options)
    return make(formula, **options)


def test_log_density_is_priors_and_likelihood(design):
    priors = resolve(design)
    model = pymc_model(design, priors)
    logp = model.compile_logp(jacobian=False, mode=PLAIN)
    for seed in range(3):
        p = random_parameters(design, seed)
        assert_allclose(logp(unconstrained(model, design, p)), by_hand(design, priors, p), rtol=1e-8)


@pytest.mark.parametrize("given", PRIORS)
@pytest.mark.parametrize("formula", ["y ~ x + z + (x | g)", "y ~ z + x + (z + x || g) + (1 | h)"])
def test_log_density_with_given_priors(formula, given):
    design = make(formula)
    named = PRIORS[given] | {"cor": blm.LKJ(4)} if design.terms[0].pairs and given == "given" else PRIORS[given]
    priors = resolve(design, named)
    model = pymc_model(design, priors)
    logp = model.compile_logp(jacobian=False, mode=PLAIN)
    for seed in range(2):
        p = random_parameters(design, seed)
        assert_allclose(logp(unconstrained(model, design, p)), by_hand(design, priors, p), rtol=1e-8)


@pytest.mark.parametrize("effects", ["1 + x", "1 + x + z"])
def test_changes_of_variables(effects):
    """With every Jacobian the density is that of (beta_centred, log sd, atanh partial correlations, z, log sigma)."""
    design = make(f"y ~ x + ({effects} | g)")
    priors = resolve(design)
    model = pymc_model(design, priors)
    p = random_parameters(design, 5)
    L, sd = p.L["g"], p.sd["g"]
    got = model.compile_logp(jacobian=True, mode=PLAIN)(unconstrained(model, design, p))
    below = np.arange(len(L) - 1, -1, -1)
    without_L = by_hand(design, priors, p) - (below * np.log(np.diag(L))).sum()
    z = np.tanh(partial(L))
    log_jacobian = np.log(1 - z**2).sum()  # dz/dx; dR/dz is 1 for two effects, for three that of r_32 = ... z_32
    if len(L) == 3:
        log_jacobian += 0.5 * np.log((1 - z[0] ** 2) * (1 - z[1] ** 2))
    assert_allclose(got, without_L + log_jacobian + np.log(sd).sum() + np.log(p.sigma), rtol=1e-8)


def integrated(logp, point: dict[str, np.ndarray], names: tuple[str, ...]) -> float:
    """Log of the integral of exp(logp) over the variables of these names, in which logp is quadratic."""
    sizes = [point[n].size for n in names]

    def f(v: np.ndarray) -> float:
        parts = np.split(v, np.cumsum(sizes)[:-1])
        return float(logp(point | {n: part.reshape(point[n].shape) for n, part in zip(names, parts, strict=True)}))

    m = sum(sizes)
    e = np.eye(m)
    zero, plus, minus = f(np.zeros(m)), np.array([f(v) for v in e]), np.array([f(-v) for v in e])
    H = np.diag(2 * zero - plus - minus)
    for i in range(m):
        for j in range(i):
            H[i, j] = H[j, i] = plus[i] + plus[j] - zero - f(e[i] + e[j])
    gradient = (plus - minus) / 2
    return (
        zero + 0.5 * gradient @ np.linalg.solve(H, gradient) + 0.5 * (m * np.log(2 * np.pi) - np.linalg.slogdet(H)[1])
    )


def test_flat_priors_leave_the_reml_likelihood():
    design = make("y ~ x + (x | g)", weights="w")
    model = pymc_model(design, resolve(design, "flat"))
    logp = model.compile_logp(jacobian=False, mode=PLAIN)
    likelihood = MarginalLikelihood.of(design)
    difference = []
    for seed in range(3):
        p = random_parameters(design, seed)
        point = unconstrained(model, design, p)
        value = integrated(logp, point, ("beta_centred", "z_g"))
        value -= np.log(p.L["g"][0, 0]) + np.log(0.5)  # dR/dL, and LKJ(1) of one correlation, which is 1/2 everywhere
        Lambda = p.sd["g"][:, None] * p.L["g"] / p.sigma
        theta = Lambda[np.tril_indices(2)]
        difference.append(-2 * value - likelihood.criterion(theta, reml=True, sigma=p.sigma))
    assert_allclose(difference, 0, atol=1e-5)  # second differences of numbers of size 1e3


def test_deterministics_are_on_the_user_s_scale():
    design = make("y ~ x + (0 + f | g) + (0 + x + z | g)")
    priors = resolve(design)
    model = pymc_model(design, priors)
    p = random_parameters(design, 2)
    point = unconstrained(model, design, p)
    outputs = model.replace_rvs_by_values([model["beta"], model["cor_g"], model["b_g"]])
    inputs = [v for v in model.value_vars if v.name != "sigma_log__"]
    f = pytensor.function(inputs, outputs, mode=PLAIN)
    beta, cor, b = f(*(point[v.name] for v in inputs))
    assert_allclose(beta, priors.to_user(p.centred))
    R = p.L["g"] @ p.L["g"].T
    assert_allclose(cor, [R[1, 0], R[2, 0], R[2, 1], R[4, 3]])
    assert_allclose(b, (p.z["g"] @ p.L["g"].T) * p.sd["g"])


def test_names_dims_and_coords(design):
    model = pymc_model(design, resolve(design))
    dims = {name: d for name, d in model.named_vars_to_dims.items() if d}
    if design.p:
        assert dims["beta"] == ("coef",)
        assert list(model.coords["coef"]) == list(design.coef_names)
    else:
        assert "beta" not in model.named_vars
    assert_array_equal(model.coords["obs"], design.rows)
    for t in design.terms:
        g = t.group
        assert dims[f"sd_{g}"] == (f"{g}_effect",)
        assert dims[f"b_{g}"] == (g, f"{g}_effect")
        assert list(model.coords[g]) == list(t.levels)
        assert list(model.coords[f"{g}_effect"]) == [e.replace("(Intercept)", "Intercept") for e in t.effects]
        if any(len(b) > 1 for b in t.blocks):
            assert dims[f"cor_{g}"] == (f"{g}_pair",)
            assert len(model.coords[f"{g}_pair"]) == sum(len(b) * (len(b) - 1) // 2 for b in t.blocks)
        else:
            assert f"cor_{g}" not in model.named_vars
    assert dims["y"] == ("obs",)
    assert model["sigma"].ndim == 0


def test_data_are_shared_and_named():
    model = pymc_model(make("y ~ x + (x | g)", weights="w", offset="o"), resolve(make("y ~ x + (x | g)")))
    data = {v.name for v in model.data_vars}
    assert data == {"X", "Z_g", "index_g", "weights", "offset", "y_observed"}
    assert "Z_g" not in pymc_model(make("y ~ x + (1 | g)"), resolve(make("y ~ x + (1 | g)"))).named_vars


def test_reads_well():
    model = blm.Model("y ~ x + (x | g)", DATA).pymc_model()
    lines = dict(map(str.strip, line.split("~")) for line in model.str_repr().splitlines() if "~" in line)
    assert lines["sigma"].startswith("HalfStudentT(3, ")
    assert lines["L_g"].startswith("LKJCorr")
    assert lines["z_g"] == "Normal(0, 1)"
    assert set(lines) == {"beta_centred", "sd_g", "z_g", "L_g", "sigma", "y"}
    plates = {frozenset(p.dim_info.names): {v.var.name for v in p.variables} for p in ModelGraph(model).get_plates()}
    assert {"z_g", "b_g"} <= plates[frozenset({"g", "g_effect"})]


def test_starts_where_priors_allow():
    model = blm.Model("y ~ x + (x | g)", DATA, priors={"x": blm.HalfNormal(1), "sd": blm.Flat()}).pymc_model()
    point = model.initial_point()
    assert np.isfinite(model.compile_logp(mode=PLAIN)(point))


def test_names_that_cannot_be_are_refused():
    with pytest.raises(ArgumentError, match="`sigma`"):
        blm.Model("y ~ x + (1 | sigma)", DATA.rename(columns={"g": "sigma"})).pymc_model()


@pytest.mark.parametrize(
    "prior",
    [
        blm.Cauchy(1, 2),
        blm.Laplace(1, 2),
        blm.Logistic(1, 2),
        blm.Uniform(-1, 9),
        blm.TruncatedNormal(1, 2, upper=4),
        blm.Uniform(0, 9),
        blm.TruncatedNormal(1, 2, lower=0),
        blm.LogNormal(1, 0.5),
        blm.InverseGamma(3, 2),
        blm.Weibull(1.5, 2),
    ],
    ids=str,
)
def test_every_class_means_the_same_in_pymc(prior):
    """Of a coefficient; where it is positive also of an sd and of sigma."""
    design = make("y ~ x + (x | g)")
    given = {"x": prior, "sd": prior, "sigma": prior} if prior.positive else {"x": prior}
    model = pymc_model(design, resolve(design, given))
    names = ["beta_centred_" + type(prior).__name__, *(["sd_g", "sigma"] if prior.positive else [])]
    variables = [model[name] for name in names]
    point = model.initial_point()
    values = pytensor.function(
        [model.rvs_to_values[v] for v in variables], model.replace_rvs_by_values(variables), mode=PLAIN
    )(*(point[model.rvs_to_values[v].name] for v in variables))
    got = model.compile_logp(vars=variables, jacobian=False, mode=PLAIN)(point)
    assert_allclose(got, sum(prior.logp(v).sum() for v in values), rtol=1e-6)
