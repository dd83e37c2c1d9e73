"""Names of dimensions and variables, and grouping factors that cannot have one."""

import numpy as np
import pandas as pd
import pytest

from bayeslmm.bayes.names import coords
from bayeslmm.design import build
from bayeslmm.errors import ArgumentError


def frame(**rename) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    n = 60
    data = pd.DataFrame({"y": rng.normal(size=n), "x": rng.normal(size=n), "z": rng.normal(size=n)})
    return data.assign(g=[f"g{i % 6}" for i in range(n)], h=[f"h{i // 6 % 5}" for i in range(n)]).rename(columns=rename)


def test_labels_of_every_dimension():
    design = build("y ~ x + (1 + x + z | g) + (0 + x || g:h)", frame().drop(index=[2]))
    got = coords(design)
    assert list(got) == ["obs", "coef", "g:h", "g:h_effect", "g", "g_effect", "g_pair"]
    assert got["coef"] == ["(Intercept)", "x"]
    assert got["g"] == [f"g{i}" for i in range(6)]
    assert got["g_effect"] == ["Intercept", "x", "z"]
    assert got["g_pair"] == ["Intercept, x", "Intercept, z", "x, z"]
    assert got["g:h_effect"] == ["x"]
    assert got["obs"] == list(range(59))


def test_only_estimated_pairs_have_a_dimension():
    assert "g_pair" not in coords(build("y ~ x + (x || g)", frame()))
    partly = coords(build("y ~ x + (1 + x | g) + (0 + z | g)", frame()))
    assert partly["g_pair"] == ["Intercept, x"]
    assert partly["g_effect"] == ["Intercept", "x", "z"]


@pytest.mark.parametrize("name", ["obs", "coef", "sigma", "beta", "chain", "draw", "X"])
def test_a_grouping_factor_cannot_have_a_name_of_the_posterior(name):
    with pytest.raises(ArgumentError, match=f"the grouping factor `{name}` needs the name `{name}`.*rename the column"):
        coords(build(f"y ~ x + (1 | {name})", frame(g=name)))


def test_two_grouping_factors_cannot_share_a_name():
    with pytest.raises(ArgumentError, match=r"`g_effect`.*`g` has already"):
        coords(build("y ~ x + (1 | g) + (1 | g_effect)", frame(h="g_effect")))


def test_a_slash_cannot_stand_in_a_group_s_name():
    with pytest.raises(ArgumentError, match="`a/b` has a / in its name"):
        coords(build("y ~ x + (1 | `a/b`)", frame(g="a/b")))
