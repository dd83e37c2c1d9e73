"""One variance tested beside others: the distribution given the other random effects, against RLRsim and refits."""

import json
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

import bayeslmm as blm
from bayeslmm.design import build
from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.point.boundary import alone
from bayeslmm.point.rlrt import simulate
from tests.reference_cases import HOME

RLRSIM = json.loads((HOME / "rlrsim" / "rlrsim.json").read_text())


@pytest.mark.parametrize("entry", RLRSIM["tests"], ids=lambda e: f"{e['data']}-{e['label']}-{e['RLRT']:.1f}")
@pytest.mark.filterwarnings("ignore::bayeslmm.errors.SingularFitWarning")
def test_one_variance_beside_others_is_tested_as_rlrsim_does(entry):
    """`exactRLRT(m, mA, m0)` of RLRsim 3.1-8, of 200,000 draws."""
    data = blm.datasets.load(entry["data"])
    fit = blm.lmer(entry["formula"], data if entry["rows"] is None else data.iloc[entry["rows"]])
    row = fit.ranova().table.loc[entry["label"]]
    assert_allclose(row["LRT"], entry["RLRT"], rtol=1e-4, atol=1e-5)
    draws = 10_000
    assert row["reference_boundary"] == f"RLRT given the other random effects, {draws} draws"
    sd = np.sqrt(entry["p"] * (1 - entry["p"]) * (1 / draws + 1 / RLRSIM["draws"]))
    assert abs(row["p_boundary"] - entry["p"]) < 4 * sd + 1 / draws


@pytest.mark.parametrize("entry", RLRSIM["tests"], ids=lambda e: f"{e['data']}-{e['label']}-{e['RLRT']:.1f}")
def test_the_distribution_given_the_others_is_that_of_rlrsim(entry):
    """By the share of zeros and the quantiles of as many draws."""
    data = blm.datasets.load(entry["data"])
    design = build(entry["formula"], data if entry["rows"] is None else data.iloc[entry["rows"]])
    label = entry["label"].split(" in ")[-1]
    smaller = build(entry["formula"].replace(f" + {label}", ""), data.iloc[entry["rows"] or range(len(data))])
    tested = MarginalLikelihood.of(replace(design, terms=(alone(smaller.terms, design.terms),)))
    n = RLRSIM["draws"]
    draws = simulate(tested, True, n, np.random.default_rng(7))
    shares = [(draws < 1e-8).mean(), *(np.mean(draws <= q) for q in entry["quantiles"][1:])]
    expected = np.array([entry["zero"], *entry["probabilities"][1:]])
    # both are simulated; their grids of variances differ, which moves no share by more than 0.002
    assert_allclose(shares, expected, atol=float((5 * np.sqrt(expected * (1 - expected) * 2 / n)).max()) + 0.002)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::bayeslmm.errors.SingularFitWarning")
def test_the_distribution_given_the_others_agrees_with_the_bootstrap():
    data = blm.datasets.load("penicillin").iloc[RLRSIM["tests"][2]["rows"]]
    fit = blm.lmer("diameter ~ 1 + (1 | plate) + (1 | sample)", data)
    given, boot = (
        fit.ranova(method=m, n=600, seed=2).table.loc["(1 | plate)", "p_boundary"] for m in ("chisq", "boot")
    )
    assert abs(boot - given) < 4 * np.sqrt(given * (1 - given) / 600)
