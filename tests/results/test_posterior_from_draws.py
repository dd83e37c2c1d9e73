"""A posterior from draws that somebody else made: names, shapes, what is kept and what is refused."""

import numpy as np
import pytest
import xarray as xr
from numpy.testing import assert_allclose, assert_array_equal

import bayeslmm as blm
from bayeslmm.errors import ArgumentError
from bayeslmm.results.posterior_loo import psis_loo
from tests.results.posterior_draws import frame

CHAINS, DRAWS = 2, 30


@pytest.fixture(scope="module")
def model() -> blm.Model:
    return blm.Model("y ~ x + z + (1 + x | g) + (1 | h)", frame(), priors={"z": blm.StudentT(3, 0, 1)}, weights="w")


def draws() -> dict[str, xr.DataArray]:
    rng = np.random.default_rng(3)
    make = lambda f, *dims, size=(): (("chain", "draw", *dims), f(size=(CHAINS, DRAWS, *size)))  # noqa: E731
    positive = lambda size: np.exp(rng.normal(0, 0.3, size=size))  # noqa: E731
    return {
        "sigma": make(positive),
        "sd_g": make(positive, "g_effect", size=(2,)),
        "cor_g": make(lambda size: rng.uniform(-0.5, 0.5, size=size), "g_pair", size=(1,)),
        "sd_h": make(positive, "h_effect", size=(1,)),
        "beta_centred": make(rng.normal, "coef_sampled", size=(1,)),
    }


def dataset(**changes) -> xr.Dataset:
    given = {name: value for name, value in (draws() | changes).items() if value is not None}
    coords = {"chain": range(CHAINS), "draw": range(DRAWS)}
    return xr.Dataset(given, coords)


def test_group_effects_and_coefficients_are_added(model):
    post = blm.Posterior.from_draws(model, dataset(), seed=4)
    assert isinstance(post, blm.Posterior)
    posterior = post.data["posterior"].to_dataset()
    assert posterior["b_g"].dims == ("chain", "draw", "g", "g_effect")
    assert list(posterior["g"].to_numpy()) == list(model.design.terms[0].levels)
    assert list(posterior["g_effect"].to_numpy()) == ["Intercept", "x"]
    assert posterior["beta"].dims == ("chain", "draw", "coef")
    assert_array_equal(posterior["beta"].sel(coef="z"), posterior["beta_centred"][..., 0])
    assert_array_equal(post.data["observed_data"]["y"], model.design.y)
    assert_array_equal(post.data["constant_data"]["weights"], model.design.weights)
    assert list(post.fixef.index) == ["(Intercept)", "x", "z"]
    assert "Formula: y ~ x + z" in post.summary().text
    assert len(post.predict(frame().head(3))) == 3


def test_seeds(model):
    one, again = (blm.Posterior.from_draws(model, dataset(), seed=4) for _ in range(2))
    fresh = blm.Posterior.from_draws(model, dataset())
    told = blm.Posterior.from_draws(model, dataset(), seed=fresh.data.attrs["seed"])
    assert one.data["posterior"].to_dataset().identical(again.data["posterior"].to_dataset())
    assert fresh.data["posterior"].to_dataset().identical(told.data["posterior"].to_dataset())
    assert not fresh.data["posterior"]["b_g"].equals(one.data["posterior"]["b_g"])


def test_dimensions_may_have_other_names_and_labels_another_order(model):
    plain = blm.Posterior.from_draws(model, dataset(), seed=4).data["posterior"].to_dataset()
    given = draws()
    renamed = dataset(
        sd_g=(("chain", "draw", "sd_g_dim_0"), given["sd_g"][1]),
        sd_h=(("chain", "draw"), given["sd_h"][1][..., 0]),
        cor_g=(("draw", "chain"), given["cor_g"][1][..., 0].T),
    )
    assert blm.Posterior.from_draws(model, renamed, seed=4).data["posterior"].to_dataset().equals(plain)
    turned = dataset(sd_g=(("chain", "draw", "g_effect"), given["sd_g"][1][..., ::-1]))
    turned = turned.assign_coords(g_effect=["x", "Intercept"])
    assert blm.Posterior.from_draws(model, turned, seed=4).data["posterior"].to_dataset().equals(plain)


def test_what_else_the_user_has_is_kept(model):
    mine = dataset(mine=(("chain", "draw", "place"), np.zeros((CHAINS, DRAWS, 7))))
    tree = xr.DataTree.from_dict(
        {
            "posterior": mine,
            "sample_stats": xr.Dataset({"diverging": (("chain", "draw"), np.zeros((CHAINS, DRAWS), dtype=bool))}),
            "observed_data": xr.Dataset({"survey": ("place", np.arange(7))}),
            "notes": xr.Dataset({"a": 1}),
        }
    )
    tree.attrs = {"author": "me", "seed": 99}
    post = blm.Posterior.from_draws(model, tree, seed=4)
    assert post.data["posterior"]["mine"].sizes["place"] == 7
    assert set(post.data["observed_data"].to_dataset()) == {"y", "survey"}
    assert int(post.data["notes"]["a"]) == 1
    assert post.data.attrs["author"] == "me"
    assert post.data.attrs["seed"] == 4
    assert post.diagnostics().table.loc["divergences", "value"] == 0
    assert "beta" not in tree["posterior"]  # what was given is as it was


def test_draws_that_have_everything_are_kept_as_they_are(model):
    whole = blm.Posterior.from_draws(model, dataset(), seed=4).data
    again = blm.Posterior.from_draws(model, whole, seed=5).data
    assert again["posterior"].to_dataset().identical(whole["posterior"].to_dataset())
    without = whole["posterior"].to_dataset().drop_vars("beta_centred")  # as a hierarchical model has it
    assert blm.Posterior.from_draws(model, without).data["posterior"]["b_g"].equals(whole["posterior"]["b_g"])


def test_draws_of_another_likelihood_are_not_judged_by_normal_errors(model):
    """Student errors: their log likelihood counts, and what rests on normal errors refuses."""
    tree = blm.Posterior.from_draws(model, dataset(), seed=4).data.copy()
    normal = blm.Posterior.from_draws(model, tree).log_likelihood()
    tree["log_likelihood"] = xr.Dataset({"y": 0.5 * normal - 0.1})
    post = blm.Posterior.from_draws(model, tree, likelihood="other")
    for call in (post.loo, lambda: post.logo("g"), post.check):
        with pytest.raises(ArgumentError, match=r"rests on normal errors.*loo\(conditional=True\)"):
            call()
    assert_allclose(post.loo(conditional=True).table, psis_loo(tree).table)
    assert post.loo(conditional=True).elpd.elpd != pytest.approx(
        blm.Posterior.from_draws(model, tree["posterior"].to_dataset()).loo(conditional=True).elpd.elpd
    )
    told = blm.Posterior.from_draws(model, tree["posterior"].to_dataset(), likelihood="other")
    with pytest.raises(ArgumentError, match="without a group `log_likelihood`"):
        told.loo(conditional=True)
    with pytest.raises(ArgumentError, match="must be in the draws"):
        blm.Posterior.from_draws(model, dataset(), likelihood="other")
    with pytest.raises(ArgumentError, match="likelihood"):
        blm.Posterior.from_draws(model, tree, likelihood="student")


def wrong(**changes):
    return lambda: dataset(**changes)


REFUSED = {
    "no sd": (wrong(sd_h=None), r"the posterior has no `sd_h`; did you mean `sd_g`"),
    "no sampled coefficient": (wrong(beta_centred=None), "the posterior has no `beta_centred`"),
    "shape": (
        wrong(sd_g=(("chain", "draw", "k"), np.ones((CHAINS, DRAWS, 3)))),
        r"`sd_g` must be \(chain, draw, g_effect 2\), and is \(chain, draw, k 3\)",
    ),
    "scalar": (wrong(sigma=(("chain",), np.ones(CHAINS))), r"`sigma` must be \(chain, draw\), and is \(chain\)"),
    "not finite": (wrong(sigma=(("chain", "draw"), np.full((CHAINS, DRAWS), np.nan))), "`sigma` has .* not finite"),
    "negative": (
        wrong(sd_h=(("chain", "draw", "h_effect"), -np.ones((CHAINS, DRAWS, 1)))),
        "`sd_h` has negative draws",
    ),
    "zero": (wrong(sigma=(("chain", "draw"), np.zeros((CHAINS, DRAWS)))), "`sigma` has draws that are not positive"),
    "correlation": (
        wrong(cor_g=(("chain", "draw", "g_pair"), np.full((CHAINS, DRAWS, 1), 1.5))),
        "`cor_g` has draws outside of -1 to 1",
    ),
    "half": (
        wrong(beta=(("chain", "draw", "coef"), np.zeros((CHAINS, DRAWS, 3)))),
        "has `beta` but not `b_g`: with all of `beta`, `b_g`, `b_h` they are kept",
    ),
    "labels": (lambda: dataset().assign_coords(g_effect=["Intercept", "q"]), "`sd_g` has no `x`: .* another model"),
    "taken": (
        wrong(mine=(("chain", "draw", "g"), np.zeros((CHAINS, DRAWS, 2)))),
        "`mine` has a dimension `g` of length 2, and this model needs that name for 6 labels",
    ),
    "no draws": (lambda: dataset().isel(draw=0), "no dimension `draw`"),
    "no posterior": (lambda: xr.DataTree.from_dict({"prior": dataset()}), "no group `posterior`; there is prior"),
    "dict": (draws, "the draws are a dict"),
    "data": (
        lambda: xr.DataTree.from_dict({"posterior": dataset(), "observed_data": xr.Dataset({"q": ("obs", [1, 2])})}),
        "`observed_data` uses a dimension of this model",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(model, case):
    make, message = REFUSED[case]
    with pytest.raises(ArgumentError, match=message):
        blm.Posterior.from_draws(model, make(), seed=1)


@pytest.mark.parametrize("seed", [-1, 1.5, True, "a"])
def test_seeds_that_are_none(model, seed):
    with pytest.raises(ArgumentError, match="must be a whole number from 0"):
        blm.Posterior.from_draws(model, dataset(), seed=seed)


def test_a_model_without_fixed_effects():
    model = blm.Model("y ~ 0 + (1 | h)", frame())
    given = dataset(sd_g=None, cor_g=None, beta_centred=None)
    posterior = blm.Posterior.from_draws(model, given, seed=1).data["posterior"]
    assert "beta" not in posterior
    assert posterior["b_h"].shape == (CHAINS, DRAWS, 5, 1)
