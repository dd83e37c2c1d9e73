"""Centred and non-centred effects: one posterior, and which of the two "auto" takes."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import bayeslmm as blm
from bayeslmm.bayes.hierarchical import pymc_model
from bayeslmm.bayes.parameterisation import as_text, centred_groups, reliabilities
from bayeslmm.bayes.priors import resolve
from bayeslmm.errors import ArgumentError
from bayeslmm.likelihood.dense import Dense
from bayeslmm.likelihood.marginal import MarginalLikelihood
from tests.bayes.test_hierarchical import CASES, DATA, PLAIN, make, random_parameters, unconstrained
from tests.designs import make_design

DESIGNS = [name for name in CASES if name != "rank deficient"]


@pytest.mark.parametrize("case", DESIGNS)
def test_log_densities_differ_by_the_jacobian(case):
    """With b_l = C z_l, log p(z) = log p(b) + J log|det C|."""
    formula, options = CASES[case]
    design = make(formula, **options)
    priors, p = resolve(design), random_parameters(design, 3)
    groups = frozenset(t.group for t in design.terms)
    plain = pymc_model(design, priors)
    point = unconstrained(plain, design, p)
    expected = plain.compile_logp(mode=PLAIN)(point)
    for centred in {groups, groups & {"g"}}:
        model = pymc_model(design, priors, centred)
        at, jacobian = dict(point), 0.0
        for t in design.terms:
            if t.group in centred:
                C = p.sd[t.group][:, None] * p.L[t.group]
                at[f"b_{t.group}"] = at.pop(f"z_{t.group}") @ C.T
                jacobian += t.n_levels * np.log(np.diag(C)).sum()
        assert_allclose(model.compile_logp(mode=PLAIN)(at) + jacobian, expected, rtol=1e-8)
        assert {rv.name for rv in model.free_RVs if rv.name.startswith("b_")} == {f"b_{g}" for g in centred}


def test_names_and_dims_are_the_same():
    design = make("y ~ x + (1 + x | g) + (1 | h)")
    one, other = (pymc_model(design, resolve(design), c) for c in (frozenset(), frozenset("gh")))
    public = ("beta", "sigma", "sd_g", "cor_g", "b_g", "sd_h", "b_h")
    assert all(one.named_vars_to_dims.get(n) == other.named_vars_to_dims.get(n) for n in public)
    assert one.coords == other.coords


@pytest.mark.parametrize("shape", ["slopes", "crossed", "nested"])
def test_reliability_is_what_the_data_say_of_the_worst_direction(shape):
    design = make_design(shape, 4, weighted=True)
    likelihood = MarginalLikelihood.of(design)
    theta = np.random.default_rng(1).uniform(0.3, 2, likelihood.covariance.m)
    dense = Dense.of(design)
    Lambda = dense.big_lambda(likelihood.covariance.lambdas(theta))
    ZL = dense.Z @ Lambda
    V = np.linalg.inv(ZL.T @ (design.weights[:, None] * ZL) + np.eye(ZL.shape[1]))
    start = 0
    for t, R in zip(design.terms, reliabilities(likelihood, theta).values(), strict=True):
        blocks = [V[i : i + t.k, i : i + t.k] for i in range(start, start + t.n_levels * t.k, t.k)]
        start += t.n_levels * t.k
        assert_allclose(R, 1 - np.linalg.eigvalsh(np.mean(blocks, axis=0))[-1], atol=1e-10)
    zero = reliabilities(likelihood, np.zeros_like(theta))
    assert_allclose(list(zero.values()), 0, atol=1e-10)


def test_balanced_one_way_layout_has_a_closed_form():
    """R = n sd^2 / (n sd^2 + sigma^2) for groups of n rows."""
    fit = blm.lmer("Yield ~ 1 + (1 | Batch)", blm.datasets.load("Dyestuff"))
    ratio = 5 * float(fit.theta.iloc[0]) ** 2
    assert_allclose(fit.model._reliability()["Batch"], ratio / (ratio + 1), rtol=1e-8)


def test_auto_centres_what_is_well_informed():
    load = blm.datasets.load
    salary = blm.Model("salary ~ 1 + grade + (1 + grade | major)", load("salary"))
    assert "z_major" in salary.pymc_model().named_vars  # singular: a direction without information
    pastes = blm.Model("strength ~ 1 + (1 | batch/cask)", load("pastes")).pymc_model()
    assert {"b_cask:batch", "z_batch"} <= {rv.name for rv in pastes.free_RVs}


def test_a_fit_that_is_impossible_leaves_effects_non_centred():
    exact = DATA.assign(y=2.0 * DATA["x"])
    assert blm.Model("y ~ x + (1 | g)", exact)._reliability() == {}


def test_words_and_names():
    design = make("y ~ x + (1 | g) + (1 | h)")
    assert centred_groups(design, "noncentred") == frozenset()
    assert centred_groups(design, "centred") == {"g", "h"}
    assert centred_groups(design, {"h": "centred"}) == {"h"}
    assert centred_groups(design, "auto", lambda: {"g": 0.9, "h": 0.1}) == {"g"}
    assert as_text(design, frozenset("h")) == "g: noncentred; h: centred"
    with pytest.raises(ArgumentError, match="parameterisation='centered' is not known; did you mean `centred`"):
        centred_groups(design, "centered")
    with pytest.raises(ArgumentError, match="`k` is not a grouping factor; there is `g`, `h`"):
        centred_groups(design, {"k": "centred"})
    with pytest.raises(ArgumentError, match=r"parameterisation\['g'\]='auto' is not known"):
        centred_groups(design, {"g": "auto"})
