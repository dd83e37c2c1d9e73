"""Seeds: those of NumPy, and sentences for others, wherever a seed is taken."""

import numpy as np
import pytest

import bayeslmm as blm
from bayeslmm.errors import ArgumentError
from bayeslmm.point.seeds import generator


def test_a_seed_is_numpys_and_a_generator_goes_on():
    assert generator(3).integers(1 << 40) == np.random.default_rng(3).integers(1 << 40)
    rng = np.random.default_rng(3)
    assert generator(rng) is rng


SLEEP = blm.datasets.load("sleepstudy")
MIXED = "Reaction ~ Days + (1 | Subject)"
TAKES = {
    "simulate": lambda seed: blm.lmer(MIXED, SLEEP).simulate(2, seed=seed),
    "check": lambda seed: blm.lmer(MIXED, SLEEP).check(seed=seed),
    "ranova": lambda seed: blm.lmer(MIXED, SLEEP).ranova(seed=seed),
    "alternatives": lambda seed: blm.alternatives(MIXED, SLEEP, bayes=False, seed=seed),
    "diagnostics": lambda seed: blm.lm("Reaction ~ Days", SLEEP).plot.diagnostics(seed=seed),
    "wild": lambda seed: blm.lm("Reaction ~ Days", SLEEP, cluster="Subject").wild_bootstrap(seed=seed),
}


@pytest.mark.parametrize("seed", [-1, "a", 1.5])
@pytest.mark.parametrize("take", TAKES.values(), ids=list(TAKES))
def test_other_seeds_are_refused_in_a_sentence(take, seed):
    with pytest.raises(ArgumentError, match=f"seed={seed!r} must be a whole number"):
        take(seed)
