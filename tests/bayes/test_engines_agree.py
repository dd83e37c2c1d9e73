"""One posterior, whatever the engine: the same density at the same point, and the same draws within Monte Carlo error.

Every density is brought to p(sd, correlations, sigma, beta_s, y), with priors and likelihood, in these parameters. The
reference is written in SciPy and dense matrices. The hierarchical density has (beta, b) in it: by the Gaussian identity
it is the marginal one times the normal density of (beta, b) given the rest.
"""

from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
from arviz_stats.base import array_stats
from numpy.testing import assert_allclose
from scipy.linalg import block_diag
from scipy.stats import multivariate_normal

import bayeslmm as blm
from bayeslmm.bayes import nuts as hierarchical
from bayeslmm.bayes.complete import complete
from bayeslmm.bayes.distributions import Flat, Normal
from bayeslmm.bayes.hierarchical import pymc_model
from bayeslmm.bayes.integrated import Integrated
from bayeslmm.bayes.marginal import run as marginal_run
from bayeslmm.bayes.marginal.importance import importance
from bayeslmm.bayes.marginal.target import Target
from bayeslmm.bayes.marginal_model import marginal_model
from bayeslmm.bayes.names import public_names
from bayeslmm.bayes.nuts import run_marginal_pymc
from bayeslmm.bayes.parameterisation import centred_groups
from bayeslmm.bayes.priors import Priors
from bayeslmm.bayes.settings import Settings
from bayeslmm.design import Design, RandomTerm
from bayeslmm.errors import DesignWarning
from bayeslmm.likelihood.dense import Dense
from tests.bayes.test_hierarchical import DATA, PLAIN, frozen, log_lkj, partial

MODELS = {
    "singular": ("salary ~ 1 + grade + (1 + grade | major)", "salary", {}),
    "crossed": ("diameter ~ 1 + (1 | plate) + (1 | sample)", "Penicillin", {}),
    "nested": ("strength ~ 1 + (1 | batch/cask)", "pastes", {}),
    "||": ("Reaction ~ Days + (Days || Subject)", "sleepstudy", {}),
    "weights and offset": ("y ~ x + z + (x | g)", DATA, {"weights": "w", "offset": "o"}),
    "rank deficient": ("y ~ x + twice + (1 | g) + (1 | h)", DATA, {}),
}
PRIORS = {
    "weights and offset": {"x": blm.StudentT(4, 1, 2), "sd_g[x]": blm.Gamma(2, 1), "cor_g": blm.LKJ(3)},
    "rank deficient": {"x": blm.Flat(), "sigma": blm.Exponential(0.3)},
}


@cache
def model_of(name: str) -> blm.Model:
    formula, data, options = MODELS[name]
    frame = blm.datasets.load(data) if isinstance(data, str) else data
    with pytest.warns(DesignWarning) if name == "rank deficient" else nullcontext():
        return blm.Model(formula, frame, priors=PRIORS.get(name), **options)


@pytest.fixture(params=MODELS)
def model(request) -> blm.Model:
    return model_of(request.param)


# -- densities at points -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Point:
    """The parameters that all engines have, and the point that the compiled density calls x."""

    x: np.ndarray
    sd: dict[str, np.ndarray]
    R: dict[str, np.ndarray]
    sigma: float
    beta: np.ndarray

    def C(self, term: RandomTerm) -> np.ndarray:
        return self.sd[term.group][:, None] * np.linalg.cholesky(self.R[term.group])


def target_of(model: blm.Model) -> Target:
    return Target.of(Integrated.of(model.design, model.priors), model.design.terms)


def point_at(model: blm.Model, target: Target, x: np.ndarray) -> Point:
    scalars, L = (part[0] for part in target.constrained(x[None]))
    sd, R, at, row = {}, {}, 0, 0
    for t in model.design.terms:
        sd[t.group] = scalars[row : row + t.k]
        factor = L[at : at + t.k**2].reshape(t.k, t.k)
        R[t.group] = factor @ factor.T
        at, row = at + t.k**2, row + t.k
    return Point(x, sd, R, float(scalars[row]), scalars[row + 1 :])


def points(model: blm.Model, target: Target) -> list[Point]:
    rng = np.random.default_rng(5)
    return [point_at(model, target, rng.normal(0, 0.7, size=target.scalars.d)) for _ in range(3)]


def sampled(priors: Priors) -> np.ndarray:
    return np.array([not isinstance(s.prior, Normal | Flat) for s in priors.beta], dtype=bool)


def log_prior(model: blm.Model, p: Point) -> float:
    """Densities of sd, R, sigma and beta_s."""
    priors, total = model.priors, float(frozen(model.priors.sigma.prior, True)(p.sigma))
    slots = [s for s, given in zip(priors.beta, sampled(priors), strict=True) if given]
    total += sum(float(frozen(s.prior, False)(b)) for s, b in zip(slots, p.beta, strict=True))
    for t in model.design.terms:
        total += sum(float(frozen(s.prior, True)(v)) for s, v in zip(priors.sd(t), p.sd[t.group], strict=True))
        total += sum(log_lkj(p.R[t.group][np.ix_(b, b)], priors.cor(t).eta) for b in t.blocks if len(b) > 1)
    return total


@dataclass(frozen=True)
class Effects:
    """(beta_i, b) given the rest: normal, with this mean and precision; and the columns that belong to them."""

    mean: np.ndarray
    precision: np.ndarray
    columns: np.ndarray
    y: np.ndarray


def effects(design: Design, priors: Priors, p: Point) -> Effects:
    given = sampled(priors)
    X = design.X - np.outer(design.X @ priors.levels.astype(float), priors.centre)
    y = design.y_net - X[:, given] @ p.beta
    columns = np.hstack([X[:, ~given], Dense.of(design).Z])
    slots = [s.prior for s, g in zip(priors.beta, given, strict=True) if not g]
    normal = [(s.mu, s.sigma**-2) if isinstance(s, Normal) else (0.0, 0.0) for s in slots]
    mu, weight = np.array(normal).reshape(-1, 2).T
    blocks = [np.linalg.inv(p.C(t) @ p.C(t).T) for t in design.terms for _ in range(t.n_levels)]
    weighted = columns * (design.weights / p.sigma**2)[:, None]
    precision = weighted.T @ columns + block_diag(np.diag(weight), *blocks)
    right = weighted.T @ y
    right[: mu.size] += weight * mu
    return Effects(np.linalg.solve(precision, right), precision, columns, y)


def dense_log_density(model: blm.Model, p: Point) -> float:
    """p(y | C, sigma, beta_s): normal coefficients as random effects, flat ones by what the residuals leave."""
    design, priors = model.design, model.priors
    X = design.X - np.outer(design.X @ priors.levels.astype(float), priors.centre)
    Z = Dense.of(design).Z
    G = block_diag(*[p.C(t) @ p.C(t).T for t in design.terms for _ in range(t.n_levels)])
    V = Z @ G @ Z.T + np.diag(p.sigma**2 / design.weights)
    y = design.y_net - X[:, sampled(priors)] @ p.beta
    for x, slot in zip(X.T, priors.beta, strict=True):
        if isinstance(slot.prior, Normal):
            y, V = y - x * slot.prior.mu, V + slot.prior.sigma**2 * np.outer(x, x)
    F = X[:, [isinstance(s.prior, Flat) for s in priors.beta]]
    if not F.shape[1]:
        return float(multivariate_normal(np.zeros(y.size), V).logpdf(y))
    rest = np.linalg.qr(F, mode="complete")[0][:, F.shape[1] :]
    left = multivariate_normal(np.zeros(rest.shape[1]), rest.T @ V @ rest).logpdf(rest.T @ y)
    return float(left - 0.5 * np.linalg.slogdet(F.T @ F)[1])


def value_point(pm_model, model: blm.Model, p: Point, own: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The point as a PyMC model takes it; `own` are its variables that `Point` does not have."""
    design, out = model.design, {}
    for rv in pm_model.free_RVs:
        value, name = pm_model.rvs_to_values[rv].name, rv.name
        if name in own:
            out[value] = own[name]
        elif name == "sigma":
            out[value] = np.log(p.sigma)
        else:
            kind, _, rest = name.partition("_")
            t = next(t for t in design.terms if rest.startswith(t.group))
            if kind == "L":
                out[value] = partial(np.linalg.cholesky(p.R[t.group]))
                continue
            names = list(pm_model.coords[f"{t.group}_effect"])
            dim = pm_model.named_vars_to_dims[name][0]
            out[value] = np.log(p.sd[t.group][[names.index(e) for e in pm_model.coords[dim]]])
    return out


def log_below(model: blm.Model, p: Point) -> float:
    """log|dR/dL| of the blocks: PyMC's density is that of L."""
    total = 0.0
    for t in model.design.terms:
        for b in t.blocks:
            diagonal = np.diag(np.linalg.cholesky(p.R[t.group][np.ix_(b, b)]))
            total += float((np.arange(len(b) - 1, -1, -1) * np.log(diagonal)).sum())
    return total


def by_dense(model: blm.Model, target: Target, p: Point) -> float:
    return log_prior(model, p) + dense_log_density(model, p)


def by_compiled(model: blm.Model, target: Target, p: Point) -> float:
    """The compiled density less log|d(sd, R, sigma, beta_s) / dx|, by differences of fourth order."""

    def public(x: np.ndarray) -> np.ndarray:
        at = point_at(model, target, x)
        cor = [at.R[t.group][tuple(np.array(t.pairs).T)] for t in model.design.terms if t.pairs]
        return np.concatenate([*at.sd.values(), [at.sigma], at.beta, *cor])

    h = 1e-3
    columns = [
        (8 * (public(p.x + h * e) - public(p.x - h * e)) - public(p.x + 2 * h * e) + public(p.x - 2 * h * e)) / (12 * h)
        for e in np.eye(p.x.size)
    ]
    gradient = np.empty(p.x.size + 64)
    value = target.log_density(p.x, gradient[: p.x.size])
    return value - float(np.linalg.slogdet(np.column_stack(columns))[1])


def by_op(model: blm.Model, target: Target, p: Point) -> float:
    pm_model = marginal_model(model.design, model.priors)
    at = value_point(pm_model, model, p, {"beta_centred": p.beta})
    return float(pm_model.compile_logp(jacobian=False, mode=PLAIN)(at)) - log_below(model, p)


def by_hierarchy(model: blm.Model, p: Point, centred: bool) -> float:
    """The joint density of all less that of (beta_i, b) given the rest."""
    design, priors = model.design, model.priors
    given = effects(design, priors, p)
    rng = np.random.default_rng(1)
    step = np.linalg.solve(np.linalg.cholesky(given.precision).T, rng.normal(size=given.mean.size))
    at, p_i = given.mean + step, int((~sampled(priors)).sum())
    beta = np.empty(design.p)
    beta[sampled(priors)], beta[~sampled(priors)] = p.beta, at[:p_i]
    own, jacobian, start = {"beta": beta, "beta_centred": beta}, 0.0, p_i
    for t in design.terms:
        b = at[start : start + t.k * t.n_levels].reshape(t.n_levels, t.k)
        start += b.size
        own |= {f"b_{t.group}": b, f"z_{t.group}": np.linalg.solve(p.C(t), b.T).T}
        jacobian -= 0 if centred else t.n_levels * np.linalg.slogdet(p.C(t))[1]
    pm_model = pymc_model(design, priors, frozenset(t.group for t in design.terms) if centred else frozenset())
    own |= _split(pm_model, design, beta)
    logp = pm_model.compile_logp(jacobian=False, mode=PLAIN)(value_point(pm_model, model, p, own))
    conditional = 0.5 * (np.linalg.slogdet(given.precision)[1] - at.size * np.log(2 * np.pi))
    conditional -= 0.5 * step @ given.precision @ step
    return float(logp) + jacobian - float(conditional) - log_below(model, p)


def _split(pm_model, design: Design, beta: np.ndarray) -> dict[str, np.ndarray]:
    """Coefficients with priors of several kinds are several variables."""
    out = {}
    for rv in pm_model.free_RVs:
        if rv.name.startswith(("beta_centred_", "beta_")):
            labels = list(pm_model.coords[pm_model.named_vars_to_dims[rv.name][0]])
            out[rv.name] = beta[[design.coef_names.index(c) for c in labels]]
    return out


DENSITIES = {
    "compiled": by_compiled,
    "op": by_op,
    "non-centred": lambda model, target, p: by_hierarchy(model, p, centred=False),
    "centred": lambda model, target, p: by_hierarchy(model, p, centred=True),
}


@pytest.mark.parametrize("engine", DENSITIES)
def test_densities_agree(model, engine):
    target = target_of(model)
    for p in points(model, target):
        assert_allclose(DENSITIES[engine](model, target, p), by_dense(model, target, p), rtol=1e-8)


# -- posteriors ----------------------------------------------------------------------------------------------------

SETTINGS = Settings(draws=1000, tune=1000, chains=4, cores=2, seed=11, target_accept=0.95, progressbar=False)


BRIEF = replace(SETTINGS, draws=500, tune=500)  # for what takes longer


def draws_by_op(model: blm.Model) -> dict[str, np.ndarray]:
    raw = run_marginal_pymc(model.design, model.priors, "nutpie", BRIEF).values
    return raw | complete(model.design, Integrated.of(model.design, model.priors), raw, seed=1)


def draws_by_hierarchy(model: blm.Model) -> dict[str, np.ndarray]:
    centred = centred_groups(model.design, "auto", model._reliability)
    return hierarchical.run(model.design, model.priors, "nutpie", SETTINGS, centred).values


def draws_by_importance(model: blm.Model) -> dict[str, np.ndarray]:
    found = importance(model.design, model.priors, SETTINGS)
    assert found.raw is not None, f"k-hat {found.k:.2f}"
    return found.raw.values


@cache
def draws_by_compiled(name: str) -> dict[str, np.ndarray]:
    model = model_of(name)
    return marginal_run.run(model.design, model.priors, SETTINGS).values


ENGINES = {"importance": draws_by_importance, "hierarchical": draws_by_hierarchy, "op": draws_by_op}
PAIRS = [(n, e) for n in MODELS for e in ENGINES if e != "op" or n in ("singular", "weights and offset")]
AXES = {"chain_axis": 0, "draw_axis": 1}


def flat(model: blm.Model, values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Draws (chain, draw) of every public parameter, and of two levels of each grouping factor."""
    out = {}
    for name in public_names(model.design):
        value = values[name]
        if name.startswith("b_"):
            value = value[:, :, [0, -1]]
        value = value.reshape(*value.shape[:2], -1)
        out |= {f"{name} {i}": value[:, :, i] for i in range(value.shape[2])}
    return out


@pytest.mark.sampling
@pytest.mark.slow
@pytest.mark.parametrize(("name", "engine"), PAIRS)
def test_posteriors_agree(name, engine):
    """Means, sds and quartiles within 4.5 Monte Carlo standard errors of their differences: some 600 numbers."""
    model = model_of(name)
    ours, theirs = flat(model, draws_by_compiled(name)), flat(model, ENGINES[engine](model))
    for parameter, one in ours.items():
        other = theirs[parameter]
        assert array_stats.rhat(other, **AXES) < 1.03, parameter
        assert array_stats.ess(other, method="bulk", **AXES) > 200, parameter
        for what, options in (("mean", {}), ("sd", {}), ("quantile", {"prob": 0.25}), ("quantile", {"prob": 0.75})):
            difference = _statistic(one, what, options) - _statistic(other, what, options)
            errors = [array_stats.mcse(v, method=what, **options, **AXES) for v in (one, other)]
            assert abs(difference) < 4.5 * np.hypot(*errors), (parameter, what, options)


def _statistic(v: np.ndarray, what: str, options: dict) -> float:
    return {"mean": v.mean(), "sd": v.std()}.get(what, np.quantile(v, options.get("prob", 0.5)))
