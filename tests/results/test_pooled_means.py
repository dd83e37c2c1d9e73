"""Means, comparisons and slopes over imputations against emmeans pooled by mice, and special cases."""

import json

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import bayeslmm as blm
from bayeslmm.errors import ArgumentError
from tests.reference_cases import HOME, machines_imputed

FORMULA = "score ~ Machine + x + (1 | Worker)"
R = json.loads((HOME / "imputed" / "mitml.json").read_text())["means"]
CALLS = {
    "means": lambda p: p.means("Machine", at={"x": 0.3}, ddf="residual"),
    "contrasts": lambda p: p.contrasts("Machine", at={"x": 0.3}, ddf="residual", adjust=None),
    "slopes": lambda p: p.slopes("x", ddf="residual"),
}


@pytest.fixture(scope="module")
def machines():
    return machines_imputed()


@pytest.fixture(scope="module")
def pooled(machines):
    return blm.lmer(FORMULA, machines)


@pytest.mark.parametrize("verb", list(CALLS))
def test_estimates_are_those_of_emmeans_pooled_by_mice(pooled, verb):
    """`pool.scalar` of mice 3.15.0 with 50 df without missing values, those of the residual here."""
    table, expected = CALLS[verb](pooled).table, R[verb]
    # R's optimum is 1e-5 of a standard error away; emtrends takes forward differences
    assert_allclose(table["estimate"], expected["estimate"], rtol=1e-5, atol=1e-5)
    for name in ("se", "df", "riv"):
        assert_allclose(table[name], expected[name], rtol=1e-4, err_msg=name)


def test_standard_errors_are_those_of_emmeans_on_a_mira(pooled):
    table = pooled.means("Machine", at={"x": 0.3}, ddf="asymptotic").table
    assert_allclose(table[["estimate", "se"]], np.column_stack([R["mira"]["estimate"], R["mira"]["se"]]), rtol=1e-5)


def test_what_a_transform_learned_from_each_data_set_is_no_difference(machines):
    """poly(x, 2) has other columns in each."""
    fits = blm.lmer("score ~ Machine * poly(x, 2) + (1 | Worker)", machines)
    table, expected = fits.means("Machine", at={"x": 0.3}).table, R["wide"]
    for name in ("estimate", "se"):
        assert_allclose(table[name], expected[name], rtol=1e-5, err_msg=name)
    assert_allclose(table["riv"], expected["riv"], rtol=1e-3)
    raw = blm.lmer("score ~ Machine * (x + I(x^2)) + (1 | Worker)", machines).means("Machine", at={"x": 0.3}).table
    assert_allclose(table["estimate"], raw["estimate"], rtol=1e-6)


def test_functions_of_the_coefficients_are_tested_as_contrast_does(pooled):
    for ddf in ("satterthwaite", "kenward-roger", "residual"):
        slope, row = pooled.slopes("x", ddf=ddf).table.iloc[0], pooled.contrast("x = 0", ddf=ddf).table.iloc[0]
        names = ["estimate", "se", "df", "lower", "upper", "t", "p", "riv", "fmi"]
        assert_allclose(slope[names].astype(float), row[names].astype(float), rtol=1e-6)
        pairs = pooled.contrasts("Machine", ddf=ddf, adjust="holm").table
        written = pooled.contrast(["-MachineB", "-MachineC", "MachineB - MachineC"], ddf=ddf, adjust="holm").table
        assert_allclose(pairs[names].astype(float), written[names].astype(float), rtol=1e-6)


def test_numeric_predictors_are_at_the_mean_over_all_imputations(pooled, machines):
    at = np.mean([f["x"].mean() for f in machines])
    found, explicit = pooled.means("Machine").table, pooled.means("Machine", at={"x": at}).table
    pd.testing.assert_frame_equal(found, explicit)
    assert f"at x = {at:.4g}" in str(pooled.means("Machine"))
    assert "Rubin" in str(pooled.means("Machine"))


def test_the_same_data_twice_are_one_fit(machines):
    one = blm.lmer(FORMULA, machines[0])
    two = blm.pool([one, one])
    assert_allclose(
        two.means("Machine").table[["estimate", "se"]], one.means("Machine").table[["estimate", "se"]], rtol=1e-10
    )
    assert (two.contrasts("Machine").table["riv"] == 0).all()
    assert list(two.contrasts("Machine").table["contrast"]) == list(one.contrasts("Machine").table["contrast"])


@pytest.mark.filterwarnings("ignore::bayeslmm.errors.DesignWarning")
def test_a_mean_that_cannot_be_estimated_is_missing(machines):
    frames = [f.assign(h=np.where(f["Machine"] == "C", "v", np.resize(["u", "v"], len(f)))) for f in machines]
    table = blm.lmer("score ~ Machine * h + (1 | Worker)", frames).means(["Machine", "h"]).table
    lost = table["estimate"].isna()
    assert lost.sum() == 1
    assert table.loc[lost, ["se", "p", "riv"]].isna().all(axis=None)
    assert table.loc[~lost, ["se", "df", "p", "riv"]].notna().all(axis=None)


def test_data_sets_with_other_values_get_a_sentence(machines):
    frames = [f.assign(k=np.resize([i, i + 1.0], len(f))) for i, f in enumerate(machines)]
    fits = blm.lmer("score ~ Machine + k + (1 | Worker)", frames)
    with pytest.raises(ArgumentError, match="different levels of these predictors; name some with at="):
        fits.means("k")
    assert len(fits.means("k", at={"k": [0, 1]}).table) == 2
