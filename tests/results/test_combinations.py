"""Intervals of combinations of the fixed effects: those of the coefficient that one is under another coding."""

import numpy as np
import pytest

import bayeslmm as blm
from bayeslmm.errors import ArgumentError

MACHINES = blm.datasets.load("machines")
FORMULA = "score ~ Machine + (1 | Worker/Machine)"


@pytest.fixture(scope="module")
def fits():
    other = MACHINES.assign(Machine=MACHINES["Machine"].cat.reorder_categories(["B", "A", "C"]))
    return blm.lmer(FORMULA, MACHINES), blm.lmer(FORMULA, other)


@pytest.mark.parametrize("method", ["wald", "profile"])
@pytest.mark.parametrize("combination", ["MachineC - MachineB", {"MachineC": 1, "MachineB": -1}, [0, -1, 1]])
def test_they_are_those_of_a_coefficient_under_another_coding(fits, method, combination):
    ours = fits[0].confint(method, parm={"C - B": combination})
    theirs = fits[1].confint(method, parm="MachineC")
    assert list(ours.index) == ["C - B"]
    np.testing.assert_allclose(ours.loc["C - B"], theirs.loc["MachineC"], rtol=1e-6)


def test_a_single_coefficient_is_a_combination_too(fits):
    fit = fits[0]
    ours = fit.profile(parm={"B": "MachineB", "twice": "2 * MachineB"}).confint()
    theirs = fit.profile(parm="MachineB").confint().loc["MachineB"]
    np.testing.assert_allclose(ours.loc["B"], theirs, rtol=1e-8)
    np.testing.assert_allclose(ours.loc["twice"], 2 * theirs, rtol=1e-6)


@pytest.mark.parametrize("kind", ["percentile", "studentised"])
def test_bootstrap_of_a_combination(fits, kind):
    ours = fits[0].confint("boot", parm={"B": "MachineB"}, n=200, seed=1, kind=kind)
    theirs = fits[0].confint("boot", parm="MachineB", n=200, seed=1, kind=kind)
    np.testing.assert_allclose(ours.loc["B"], theirs.loc["MachineB"], rtol=1e-8)


def test_what_is_no_combination_gets_a_sentence(fits):
    fit = fits[0]
    with pytest.raises(ArgumentError, match="`both` must be one combination"):
        fit.confint("profile", parm={"both": ["MachineB", "MachineC"]})
    with pytest.raises(ArgumentError, match="no coefficient `MachineD`"):
        fit.confint("profile", parm={"x": "MachineD"})
    with pytest.raises(ArgumentError, match="two or more of the parameters profiled"):
        fit.profile(parm={"C - B": "MachineC - MachineB"}).plot_pairs()
