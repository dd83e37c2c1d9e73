"""Which reference distribution the triage takes for a simpler model, and that the bootstrap decides where it should."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from bayeslmm.compare.triage.alternatives import alternatives_part, focal_functions
from bayeslmm.compare.triage.attempts import attempts
from bayeslmm.compare.triage.ratio import reference
from bayeslmm.errors import ArgumentError
from bayeslmm.point.distributions import clopper_pearson
from bayeslmm.results.variance_test import How, likelihood_ratio_test
from tests.compare.posteriors import SALARY, SLEEP, around, fitted


@cache
def crossed(seed: int = 1):
    """A fit with 12 levels crossed with 8; the sd of the latter is 0.3 of the residual's."""
    rng = np.random.default_rng(seed)
    data = pd.DataFrame([(f"a{i}", f"b{j}") for i in range(12) for j in range(8)], columns=["g", "h"])
    u, v = rng.normal(0, 1, 12), rng.normal(0, 0.3, 8)
    data["x"] = rng.normal(size=96)
    levels = (data[c].str[1:].astype(int) for c in "gh")
    data["y"] = data["x"] + sum(e[i] for e, i in zip((u, v), levels, strict=True)) + rng.normal(size=96)
    return fitted("y ~ x + (1 | g) + (1 | h)", data)


@cache
def weak(seed: int):
    """A fit with ten groups that differ little in level and slope."""
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(10), 6)
    u, s, x = rng.normal(0, 0.4, 10), rng.normal(0, 0.3, 10), rng.normal(size=60)
    y = x + u[g] + s[g] * x + rng.normal(size=60)
    return fitted("y ~ x + (x | g)", pd.DataFrame({"g": [f"a{i}" for i in g], "x": x, "y": y}))


def table(fit, **options):
    return alternatives_part(fit, focal_functions(fit.design, None), "satterthwaite", 0.95, **options).table


def test_the_bootstrap_decides_what_the_plain_chi_square_leaves_open():
    """Three parameters at once: plain p = 0.091. 199 refits do not tell p from 0.05, twice as many do."""
    fit = weak(2)
    row = table(fit).loc["without (x | g)"]
    none = fit.refit_design(replace(fit.design, terms=()))
    few, more = (fit.anova(none, method="boot", n=n, seed=1).table["p_boundary"].iloc[1] for n in (199, 399))
    low, high = binomtest(round(200 * few) - 1, 199).proportion_ci(method="exact")
    assert low < 0.05 < high
    low, high = binomtest(round(400 * more) - 1, 399).proportion_ci(method="exact")
    assert not low < 0.05 < high
    assert row["p_boundary"] == more < 0.05 < row["p"]
    assert row["reference_boundary"] == "parametric bootstrap, 399 refits"
    assert row["p_error"] == pytest.approx(np.sqrt(more * (1 - more) / 399))
    assert row["against"]
    assert reference(row.to_dict()) == "boot 399"


@pytest.mark.parametrize(("k", "n"), [(0, 10), (6, 199), (199, 199), (50, 1999)])
def test_intervals_of_a_share(k, n):
    expected = binomtest(k, n).proportion_ci(method="exact")
    np.testing.assert_allclose(clopper_pearson(k, n), (expected.low, expected.high), rtol=1e-10)


def test_refits_go_on_to_a_limit():
    """The refits are those that a call for so many makes."""
    fit = crossed()
    smaller = next(a for a in attempts(fit) if a.label == "without (1 | h)").fit
    test = likelihood_ratio_test(smaller, fit, How("boot", 19, 1, 50))
    assert test.draws == 50
    assert test == likelihood_ratio_test(smaller, fit, How("boot", 50, 1))
    assert likelihood_ratio_test(smaller, fit, How("boot", 19, 1)).draws == 19


def test_one_variance_beside_a_crossed_one_needs_no_bootstrap():
    """Plain p = 0.058; given the other random effects 0.022."""
    row, expected = table(crossed()).loc["without (1 | h)"], crossed().ranova().table.loc["(1 | h)"]
    assert row["p_boundary"] == expected["p_boundary"] < 0.05 < row["p"]
    assert row["against"]
    assert reference(row.to_dict()) == "given"


def test_it_is_not_asked_where_it_could_not_change_anything():
    """A plain p below 0.05 is too large and says enough; one above 0.5 is far from it."""
    clear = table(weak(4)).loc["without (x | g)"]
    assert np.isnan(clear["p_boundary"])
    assert clear["against"]
    far = table(fitted(SALARY, "salary")).loc["(1 + grade || major)"]
    assert np.isnan(far["p_boundary"])
    assert reference(far.to_dict()) == "< chi2(1)"
    none = table(weak(2), bootstrap=0).loc["without (x | g)"]
    assert np.isnan(none["p_boundary"])
    assert not none["against"]


def test_a_number_asks_for_all_but_exact_tests():
    asked = table(fitted(SLEEP, "sleepstudy"), bootstrap=20, seed=3)
    tested = asked[asked["LRT"].notna()]
    assert set(tested["reference_boundary"]) == {"parametric bootstrap, 20 refits"}
    again = table(fitted(SLEEP, "sleepstudy"), bootstrap=20, seed=3)
    pd.testing.assert_series_equal(asked["p_boundary"], again["p_boundary"])
    exact = table(fitted("Yield ~ 1 + (1 | Batch)", "dyestuff"), bootstrap=20).loc["without (1 | Batch)"]
    assert exact["reference_boundary"].startswith("exact RLRT")
    assert reference(exact.to_dict()) == "exact"


def test_the_text_names_the_distribution_behind_each_p():
    fit = weak(2)
    text = str(fit.reanalyse(post=around(fit), sensitivity=False))
    line = next(row for row in text.splitlines() if row.startswith("without (x | g)"))
    assert line.split()[-4:] == ["boot", "399", "+-0.007,", "against"]
    assert "boot 399: parametric bootstrap, 399 refits" in text
    assert "+-: Monte Carlo standard error of p" in text
    assert "against: the data speak against this model" in text
    fit = crossed()
    text = str(fit.reanalyse(post=around(fit), sensitivity=False))
    assert "given: RLRT given the other random effects, 10000 draws" in text
    sleep = fitted(SLEEP, "sleepstudy")
    assert "mixture: 0.5 chi2(1) + 0.5 chi2(2)" in str(sleep.reanalyse(post=around(sleep), sensitivity=False))


@pytest.mark.parametrize("bootstrap", [-1, 2.5, "yes", True, None])
def test_bad_input(bootstrap):
    fit = crossed()
    with pytest.raises(ArgumentError, match='bootstrap is "auto", 0 for none, or a number of refits'):
        fit.reanalyse(post=around(fit), bootstrap=bootstrap)
