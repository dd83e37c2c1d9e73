"""Posterior predictive checks: silence where the model holds, the right word where not."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bayeslmm.bayes.priors import resolve
from bayeslmm.design import build
from bayeslmm.errors import ArgumentError
from bayeslmm.point.bands import simultaneous_band
from bayeslmm.results.posterior import Posterior
from bayeslmm.results.posterior_cures import transformed
from tests.results.posterior_draws import case, frame, make_tree

LEVELS, EACH, S = 20, 12, 400


def known(change=None, weights: str | None = None, seed: int = 4) -> Posterior:
    """A posterior that knows the parameters of y ~ x + (1 | g) almost exactly; `change` spoils y."""
    rng = np.random.default_rng(seed)
    n = LEVELS * EACH
    g, x = np.repeat(np.arange(LEVELS), EACH), rng.normal(size=n)
    b, e, w = rng.normal(0, 2, LEVELS), rng.normal(0, 1, n), rng.uniform(0.5, 2, n)
    mean = 20 + 1.5 * x + b[g]
    y = mean + e / (np.sqrt(w) if weights else 1)
    if change is not None:
        y, b = change(mean, e, b, g, rng)
    data = pd.DataFrame({"y": y, "x": x, "w": w, "g": [f"g{i:02}" for i in g]})
    design = build("y ~ x + (1 | g)", data, weights=weights)
    jitter = rng.normal(0, 0.03, (S, 4))
    beta = np.array([20.0, 1.5]) + jitter[:, :2]
    sigma, sd = np.exp(jitter[:, 2]), {"g": 2 * np.exp(jitter[:, 3:])}
    effects = {"g": b[None, :, None] + rng.normal(0, 0.2, (S, LEVELS, 1))}
    tree = make_tree(design, (4, S // 4), beta, sigma, sd, {"g": np.ones((S, 1, 1))}, effects, rng)
    return Posterior(data=tree, design=design, priors=resolve(design), model=None)


@pytest.mark.parametrize("weights", [None, "w"])
def test_nothing_is_found_where_the_model_holds(weights):
    check = known(weights=weights).check()
    assert check.ok
    assert (check.table["p"] > 0.05).all()
    assert "nothing seen" in str(check)
    assert set(check.table.loc[["sd of means", "share between", "sd of log sds"], "re"]) == {"new"}
    assert set(check.table.loc[["mean", "sd", "minimum", "maximum", "skewness"], "re"]) == {"all"}


def spread_with_mean(mean, e, b, g, rng):
    return mean + e * np.exp((mean - 20) / 4), b


def following(mean, e, b, g, rng):
    for i in range(1, e.size):
        e[i] = 0.6 * e[i - 1] + 0.8 * e[i]
    return mean + e, b


def spread_by_level(mean, e, b, g, rng):
    return mean + e * np.exp(rng.normal(0, 1, LEVELS))[g], b


def alike(mean, e, b, g, rng):
    return mean - 0.9 * b[g] + e, 0.1 * b


def outlier(mean, e, b, g, rng):
    e[17] += 12
    return mean + e, b


def narrow(mean, e, b, g, rng):
    return mean + 0.4 * e, b


@pytest.mark.parametrize(
    ("change", "statistic"),
    [
        (spread_with_mean, "sd with mean"),
        (following, "autocorrelation"),
        (spread_by_level, "sd of log sds"),
        (alike, "sd of means"),
        (alike, "share between"),
        (outlier, "maximum"),
        (narrow, "LOO-PIT"),
    ],
)
def test_what_is_wrong_is_named(change, statistic):
    check = known(change).check()
    assert not check.ok
    assert check.findings.table.loc[statistic, "severity"] >= 1
    assert check.findings.table["severity"].is_monotonic_decreasing
    assert statistic in str(check)
    assert not [line for line in str(check).splitlines() if line.endswith("p = 0")]


def test_each_finding_has_a_cure_in_words_and_code():
    seen = [known(c).check().findings.table for c in (spread_with_mean, following, spread_by_level, alike, outlier)]
    for table in seen:
        found = table[table["severity"] > 0]
        assert len(found)
        assert found["why"].str.contains(r"\. Try \w+").all()
        assert (found["do"] != "").all()
    design = known(spread_with_mean).design
    assert (design.y > 0).all()
    assert seen[0].loc["sd with mean", "do"] == f'blm.Model("log({design.response}) ~ ...", data)'


def test_the_logarithm_is_advised_of_positive_responses_alone():
    c = case("y ~ x + (1 | g)")
    words = {}
    for name, y in (("positive", np.exp(c.design.y / 4)), ("negative", c.design.y - 100)):
        design = replace(c.design, y=y)
        words[name] = transformed(design)
    assert words["positive"][1] == 'blm.Model("log(y) ~ ...", data)'
    assert "log" not in words["negative"][1]
    assert "log" not in transformed(replace(c.design, y=np.exp(c.design.y / 4), response="sqrt(y)"))[1]


def test_a_share_of_none_is_less_than_what_the_replicates_can_show():
    check = known(outlier).check(replicates=200)
    R = check.replicates.same.shape[0]
    assert (check.table["p"] == 0).any()
    lines = str(check).splitlines()
    none = [line for line in lines if line.startswith("maximum")]
    assert none[0].endswith(f"< {2 / R:.2g}")
    assert not [line for line in lines if line.endswith(" 0")]


def test_the_same_seed_makes_the_same_data_and_the_number_can_be_chosen():
    post = known()
    first, again, other = (post.check(replicates=100, seed=s) for s in (1, 1, 2))
    pd.testing.assert_frame_equal(first.table, again.table)
    assert (first.table.sort_index()["replicated"] != other.table.sort_index()["replicated"]).all()
    assert first.replicates.same.shape == (100, LEVELS * EACH)


@pytest.mark.parametrize(
    "formula",
    ["y ~ 0 + (1 | g)", "y ~ x + (x || a) + (1 | a:b)", "y ~ f + (1 + z | g) + (1 | h)", "y ~ 1 + (1 | tiny)"],
)
def test_every_kind_of_model_can_be_checked_and_drawn(formula):
    data = frame()
    data["tiny"] = np.where(np.arange(60) < 20, "p", "q")
    c = case(formula, data, weights="w", offset="o")
    check = replace(c.post, priors=resolve(c.design)).check()
    assert np.isfinite(check.table.drop(columns="re").astype(float)).all(axis=None)
    assert list(check.plot()) == ["density", "loo_pit", "means", "sds", "residuals", "statistics"]


@pytest.mark.parametrize("width", [7.0, 3.5])
def test_the_page_says_what_is_to_be_seen(width):
    check = known(outlier).check()
    axes = check.plot(width)
    titles = {name: ax.get_title(loc="left").replace("\n", " ") for name, ax in axes.items()}
    off = int((check.table["p"] <= 0.05).sum())
    assert titles["statistics"] == f"Test statistics: {off} of {len(check.table)} with p below 0.05"
    outside = simultaneous_band(check.of_levels(check.design.terms[0], "means"), 0.95).outside.sum()
    assert titles["means"] == f"Means of g, new levels: {outside} of {LEVELS} outside"
    assert axes["density"].figure.get_figwidth() == width
    names = {t.get_text() for t in axes["statistics"].texts}
    assert {"maximum", "share between (g)"} <= names


def test_a_row_that_cannot_be_left_out_leaves_the_rest():
    data = frame()
    data["k"] = np.arange(60) == 7
    c = case("y ~ k + (1 | g)", data)
    check = replace(c.post, priors=resolve(c.design, "flat")).check()
    assert "not looked at: loo: without the row 7" in check.findings.table.loc["LOO-PIT", "seen"]
    assert check.plot()["loo_pit"].texts[0].get_text() == "a row cannot be left out"


@pytest.mark.parametrize("replicates", [5, 0, True, "many"])
def test_too_few_replicates_get_a_sentence(replicates):
    with pytest.raises(ArgumentError, match="at least 20"):
        known().check(replicates=replicates)
