"""Every case that R answered: names, levels and the numbers that rest on X, Z and the indices.

Sources: lme4 1.1-31 and stats 4.2.2; see tests/reference/README.md.
"""

import warnings
from collections import Counter

import numpy as np
import pytest

from bayeslmm.design import build
from bayeslmm.errors import DesignWarning
from tests.reference_cases import arguments, case_names, load_case, load_frame


def design_of(case):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DesignWarning)
        return build(case["formula"], load_frame(case), **arguments(case))


@pytest.mark.parametrize("name", case_names("lmm"))
def test_names_of_mixed_models(name):
    case = load_case(name)
    design, fit = design_of(case), case["REML"]
    assert list(design.coef_names) == fit["fixef"]["names"]
    assert list(design.dropped) == fit["dropped"]
    assert design.n == case["n"]
    assert {t.group: t.n_levels for t in design.terms} == case["groups"]
    assert {t.group: len(t.blocks) for t in design.terms} == Counter(v["group"] for v in fit["varcorr"])
    for term in design.terms:
        assert set(term.effects) == {e for v in fit["varcorr"] if v["group"] == term.group for e in v["names"]}
        levels = fit["ranef"][term.group]["levels"]
        assert list(term.levels[: len(levels)]) == [str(s) for s in levels]


def profiled_criterion(design, Lambda):
    """The REML criterion at Lambda by group, from the dense n x n covariance."""
    V = np.diag(1 / design.weights)
    for term in design.terms:
        scaled = term.Z @ Lambda[term.group]
        V = V + (scaled @ scaled.T) * (term.index[:, None] == term.index)
    L = np.linalg.cholesky(V)
    white = np.linalg.solve(L, np.column_stack([design.X, design.y - design.offset]))
    R = np.linalg.qr(white, mode="r")
    nu = design.n - design.p
    logdet = 2 * np.log(np.diag(L)).sum() + 2 * np.log(np.abs(np.diag(R)[:-1])).sum()
    return logdet + nu * (1 + np.log(2 * np.pi * R[-1, -1] ** 2 / nu))


def read_lambda(design, names, theta):
    """theta by its names: `g.effect`, `g.later.earlier`."""
    values = dict(zip(names, theta, strict=True))
    found = {}
    for term in design.terms:
        Lambda = np.zeros((term.k, term.k))
        for i, a in enumerate(term.effects):
            for j, b in enumerate(term.effects[: i + 1]):
                Lambda[i, j] = values.get(f"{term.group}.{a}" if i == j else f"{term.group}.{a}.{b}", 0.0)
        found[term.group] = Lambda
    return found


@pytest.mark.parametrize("name", [c for c in case_names("lmm") if load_case(c)["n"] <= 600])
def test_the_criterion_at_fixed_theta(name):
    case = load_case(name)
    design, fit = design_of(case), case["REML"]
    for point in fit["at_theta"]:
        Lambda = read_lambda(design, fit["theta"]["names"], point["theta"])
        assert profiled_criterion(design, Lambda) == pytest.approx(point["value"], rel=1e-10)


@pytest.mark.parametrize("name", case_names("lm") + case_names("ols_cluster"))
def test_least_squares_coefficients(name):
    case = load_case(name)
    design = design_of(case)
    assert list(design.coef_names) == case["coef"]["names"]
    root = np.sqrt(design.weights)
    beta = np.linalg.lstsq(design.X * root[:, None], (design.y - design.offset) * root, rcond=None)[0]
    np.testing.assert_allclose(beta, case["coef"]["values"], rtol=1e-9, atol=1e-9)
