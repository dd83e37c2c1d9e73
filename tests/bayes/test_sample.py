"""Sampling: arguments, shape of the result, seeds, interruption."""

import os
import re
import signal
import threading
import warnings

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from numpy.testing import assert_array_equal

import bayeslmm as blm
from bayeslmm.bayes import engine_choice, nuts, sample_warnings
from bayeslmm.bayes.dress import dress
from bayeslmm.bayes.raw_draws import RawDraws
from bayeslmm.design import build
from bayeslmm.errors import ArgumentError, NotAvailableError, SamplingWarning

rng = np.random.default_rng(5)
N = 80
DATA = pd.DataFrame({"x": rng.normal(3, 1, N), "g:,h": [f"g{i % 8}" for i in range(N)], "w": rng.uniform(0.5, 2, N)})
DATA["y"] = 10 + DATA["x"] + rng.normal(0, 2, 8)[np.arange(N) % 8] + rng.normal(0, 1, N)
DATA.index = [f"row {i}" for i in range(N)]
G = "g:,h"  # a comma and a colon, which nutpie's and lme4's names use themselves


@pytest.fixture(scope="module")
def model() -> blm.Model:
    return blm.Model("y ~ x + (1 | `g:,h`)", DATA.drop(index="row 3"), weights="w")


def draw(model: blm.Model, **options) -> xr.DataTree:
    """Few draws, which diagnostics rightly warn of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SamplingWarning)
        return model.sample(**{"draws": 40, "tune": 60, "chains": 2, "seed": 1, **options}).data


# -- the result ----------------------------------------------------------------------------------------------------


def raw_draws(design, chains=2, draws=5) -> RawDraws:
    rng = np.random.default_rng(1)
    shapes = {"beta": (design.p,), "sigma": ()}
    for t in design.terms:
        shapes |= {f"sd_{t.group}": (t.k,), f"b_{t.group}": (t.n_levels, t.k)}
        shapes |= {f"cor_{t.group}": (len(t.pairs),)} if t.pairs else {}
    values = {name: rng.normal(size=(chains, draws, *s)) for name, s in shapes.items()}
    return RawDraws(values, {"diverging": np.zeros((chains, draws), dtype=bool)})


def test_draws_are_dressed_with_names_whatever_the_engine():
    design = build("y ~ x + (1 + x | `g:,h`)", DATA, weights="w")
    raw = raw_draws(design)
    tree = dress(design, raw, {"formula": design.formula.text})
    assert list(tree.children) == ["posterior", "sample_stats", "observed_data", "constant_data"]
    posterior = tree["posterior"].to_dataset()
    assert set(posterior) == {"beta", "sigma", f"sd_{G}", f"cor_{G}", f"b_{G}"}
    for name, value in raw.values.items():
        assert_array_equal(posterior[name], value)
    assert posterior[f"b_{G}"].sel({G: "g3", f"{G}_effect": "x"}).shape == (2, 5)
    assert list(posterior[f"{G}_pair"].to_numpy()) == ["Intercept, x"]
    assert_array_equal(tree["observed_data"]["y"], design.y)
    constant = tree["constant_data"].to_dataset()
    assert_array_equal(constant["X"].sel(coef="x"), DATA["x"])
    assert_array_equal(constant["weights"], DATA["w"])
    assert_array_equal(constant[f"index_{G}"], design.terms[0].index)
    assert tree.attrs == {"formula": "y ~ x + (1 + x | `g:,h`)"}


def test_a_model_without_fixed_effects_is_dressed():
    design = build("y ~ 0 + (1 | `g:,h`)", DATA)
    raw = raw_draws(design)
    del raw.values["beta"]
    assert "coef" not in dress(design, raw, {})["posterior"].to_dataset().sizes


@pytest.mark.parametrize(
    ("lengths", "kept"),
    [
        ([9, 9, 9], (3, 9)),
        ([9, 8, 0], (2, 8)),
        ([9, 1, 1], (1, 9)),
        ([5, 4, 3], (3, 3)),
        ([0, 0, 2], (1, 2)),
    ],
)
def test_what_is_kept_of_unequal_chains(lengths, kept):
    value = np.arange(27.0).reshape(3, 9)
    got = RawDraws({"sigma": value}, {"lp": value}).kept(lengths)
    assert got.shape == kept
    assert_array_equal(got.statistics["lp"], got.values["sigma"])
    assert all(row.tolist() in [v[: kept[1]].tolist() for v in value] for row in got.values["sigma"])


def test_nothing_drawn_is_an_interruption():
    with pytest.raises(KeyboardInterrupt):
        RawDraws({"sigma": np.zeros((2, 3))}, {}).kept([0, 0])


# -- arguments -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"draws": 3}, "draws=3 must be a whole number, at least 4"),
        ({"draws": 10.0}, "draws=10.0 must be a whole number"),
        ({"tune": 0}, "tune=0 must be a whole number, at least 10"),
        ({"chains": 0}, "chains=0 must be a whole number, at least 1"),
        ({"chains": True}, "chains=True must be"),
        ({"cores": 0}, "cores=0 must be"),
        ({"seed": -1}, "seed=-1 must be a whole number from 0"),
        ({"seed": "a"}, "seed='a' must be"),
        ({"target_accept": 1.0}, "target_accept=1.0 must lie between 0 and 1"),
        ({"target_accept": "high"}, "target_accept='high' must be a number between 0 and 1"),
        ({"sampler": "nutpy"}, "sampler='nutpy' is not known; did you mean `nutpie`"),
        ({"sampler": "stan"}, 'it is "nutpie", "pymc", "numpyro"'),
        ({"parameterisation": "centered"}, "did you mean `centred`"),
        ({"engine": "heirarchical"}, "did you mean `hierarchical`"),
        ({"drawz": 10}, "sample has no argument `drawz`; did you mean `draws`"),
    ],
)
def test_arguments_are_checked_before_anything_is_compiled(model, monkeypatch, options, message):
    monkeypatch.setattr(nuts, "pymc_model", None)
    with pytest.raises(ArgumentError, match=message):
        model.sample(**options)


@pytest.mark.parametrize(
    ("engine", "option"),
    [("importance", {"sampler": "nutpie"}), ("marginal", {"parameterisation": "centred"})],
)
def test_arguments_of_the_hierarchical_engine_are_refused_by_others(model, engine, option):
    with pytest.raises(ArgumentError, match=f'engine="{engine}" has no use for {next(iter(option))}'):
        model.sample(engine=engine, **option)


@pytest.mark.parametrize("options", [{"engine": "hierarchical"}, {"engine": "marginal", "sampler": "nutpie"}])
def test_only_our_own_sampler_draws_into_a_store(model, tmp_path, options):
    with pytest.raises(ArgumentError, match='store= is for engine="marginal" with its own sampler'):
        model.sample(store=tmp_path / "run", **options)


def test_draws_that_would_not_fit_into_memory_are_refused(model, monkeypatch):
    monkeypatch.setattr(sample_warnings, "free_memory", lambda: 1e5)
    with pytest.raises(ArgumentError, match=r"4,000 draws of 8 random effects need 0\.0 GB of memory.*fewer draws"):
        model.sample()


def test_an_intercept_far_from_the_data_is_said(monkeypatch):
    data = DATA.assign(year=DATA["x"] + 2010)
    stop = RuntimeError("sampling begins")

    def refuse(*_):
        raise stop

    monkeypatch.setattr("bayeslmm.bayes.engines.marginal", refuse)
    far = blm.Model("y ~ year + (year | `g:,h`)", data)
    with (
        pytest.warns(SamplingWarning, match=r"`\(Intercept\)`.*at `year` = 0, \d+ sds from the data.*centre `year`"),
        pytest.raises(RuntimeError),
    ):
        far.sample()
    for formula, priors in (
        ("y ~ year + (x | `g:,h`)", None),
        ("y ~ year + (year || `g:,h`)", None),
        ("y ~ year + (year | `g:,h`)", {"sd": blm.HalfNormal(1e4)}),
        ("y ~ year + (year | `g:,h`)", "flat"),
    ):
        with pytest.raises(RuntimeError, match="sampling begins"):
            blm.Model(formula, data, priors=priors).sample()


# -- sampling ------------------------------------------------------------------------------------------------------


@pytest.mark.sampling
def test_nutpie(model):
    tree = draw(model, engine="hierarchical")
    assert dict(tree["posterior"].to_dataset().sizes) == {"chain": 2, "draw": 40, "coef": 2, G: 8, f"{G}_effect": 1}
    stats = tree["sample_stats"].to_dataset()
    assert {"diverging", "energy", "lp", "n_steps", "tree_depth", "reached_max_treedepth"} <= set(stats)
    assert stats["diverging"].dtype == bool
    assert_array_equal(tree["observed_data"]["obs"], model.design.rows)
    attrs = tree.attrs
    assert attrs["seed"] == 1
    assert attrs["sampler"] == "nutpie"
    assert "HalfStudentT(3, " in attrs["priors"]
    assert attrs["formula"] == "y ~ x + (1 | `g:,h`)"
    assert {"bayeslmm_version", "pymc_version", "nutpie_version"} <= set(attrs)


@pytest.mark.sampling
def test_marginal(model):
    tree, other = draw(model), draw(model, engine="hierarchical")
    assert tree["posterior"].to_dataset().sizes == other["posterior"].to_dataset().sizes
    assert set(tree["posterior"].to_dataset()) == set(other["posterior"].to_dataset())
    types = {name: v.dtype for name, v in other["sample_stats"].to_dataset().items()}
    assert {name: v.dtype for name, v in tree["sample_stats"].to_dataset().items()} == types
    attrs = tree.attrs
    assert (attrs["engine"], attrs["tune"], attrs["target_accept"]) == ("marginal", 60, 0.9)
    assert "pymc_version" not in attrs


@pytest.mark.sampling
@pytest.mark.parametrize("engine", ["marginal", "hierarchical"])
def test_seeds_reproduce_to_the_bit_for_any_number_of_cores(model, engine):
    options = {"engine": engine, "chains": 3}
    one, two, other = (draw(model, **more, **options) for more in ({"cores": 1}, {"cores": 3}, {"seed": 2}))
    assert one["posterior"].to_dataset().identical(two["posterior"].to_dataset())
    assert one["sample_stats"].to_dataset().identical(two["sample_stats"].to_dataset())
    assert not one["posterior"].to_dataset().equals(other["posterior"].to_dataset())
    nuts._compiled.cache_clear()
    nuts._model.cache_clear()
    again = draw(blm.Model("y ~ x + (1 | `g:,h`)", DATA.drop(index="row 3"), weights="w"), **options)
    assert one["posterior"].to_dataset().identical(again["posterior"].to_dataset())


@pytest.mark.sampling
def test_without_a_seed_the_seed_is_told(model):
    one = draw(model, seed=None)
    again = draw(model, seed=one.attrs["seed"])
    assert one["posterior"].to_dataset().identical(again["posterior"].to_dataset())
    assert draw(model, seed=None).attrs["seed"] != one.attrs["seed"]


@pytest.mark.sampling
def test_bad_draws_warn_with_the_number_and_the_cure(model):
    with pytest.warns(SamplingWarning, match=r"ESS bulk: smallest \d+ .*What to do: model.sample\(.*more in post"):
        model.sample(draws=10, tune=10, chains=2, seed=1)


@pytest.mark.sampling
def test_draws_that_are_not_checked_do_not_warn_and_can_be_looked_at_later(model):
    post = model.sample(draws=10, tune=10, chains=2, seed=1, check=False)
    assert not post.diagnostics().ok


def draw_interrupted(model: blm.Model, **options) -> tuple[xr.DataTree, str]:
    """What is kept, and the first warning."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        tree = model.sample(**options).data
    assert all(issubclass(w.category, SamplingWarning) for w in said)
    return tree, str(said[0].message)


@pytest.mark.sampling
@pytest.mark.parametrize("engine", ["marginal", "hierarchical"])
def test_ctrl_c_keeps_what_has_been_drawn(model, engine):
    draw(model, engine=engine)  # compiled: the signal comes while it samples
    timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    tree, said = draw_interrupted(model, engine=engine, draws=2_000_000, tune=50, chains=3, cores=2, seed=1)
    assert re.match(r"sampling was interrupted: [12] of 3 chains with \d+ of 2000000 draws", said)
    posterior = tree["posterior"].to_dataset()
    assert 1 <= posterior.sizes["chain"] <= 2
    assert 4 < posterior.sizes["draw"] < 2_000_000
    assert all(np.isfinite(v).all() for v in posterior.data_vars.values())
    assert tree["sample_stats"].sizes["draw"] == posterior.sizes["draw"]


@pytest.fixture
def interrupted(monkeypatch):
    """PyMC's run of chain after chain, with a real SIGINT after some draws."""

    def install(chain: int, draws: int):
        class Interrupting(nuts._Halt):
            def __call__(self, trace, draw):
                super().__call__(trace, draw)
                if draw.chain == chain and draw.draw_idx + 1 == draws:
                    signal.raise_signal(signal.SIGINT)

        monkeypatch.setattr(nuts, "_Halt", Interrupting)

    return install


@pytest.mark.sampling
def test_pymc(model, interrupted):
    whole = draw(model, sampler="pymc", cores=1)
    assert dict(whole["posterior"].to_dataset().sizes) == {"chain": 2, "draw": 40, "coef": 2, G: 8, f"{G}_effect": 1}
    assert set(whole["sample_stats"].to_dataset()) == set(nuts.STATISTICS)
    assert "nutpie_version" not in whole.attrs
    interrupted(chain=1, draws=60 + 25)
    tree, said = draw_interrupted(model, sampler="pymc", cores=1, draws=40, tune=60, chains=3, seed=1)
    assert said.startswith("sampling was interrupted: 2 of 3 chains with 25 of 40 draws")
    assert tree["posterior"].sizes["draw"] == 25
    first = whole["posterior"]["beta"].isel(chain=0, draw=slice(25))
    xr.testing.assert_equal(tree["posterior"]["beta"].isel(chain=0), first)


@pytest.mark.sampling
def test_numpyro(model):
    pytest.importorskip("numpyro")
    one, again = draw(model, sampler="numpyro"), draw(model, sampler="numpyro", cores=1)
    assert one["posterior"].to_dataset().identical(again["posterior"].to_dataset())
    assert dict(one["posterior"].to_dataset().sizes) == {"chain": 2, "draw": 40, "coef": 2, G: 8, f"{G}_effect": 1}
    stats, nutpie = one["sample_stats"].to_dataset(), draw(model, engine="hierarchical")["sample_stats"].to_dataset()
    assert {k: v.dtype for k, v in stats.items()} == {k: v.dtype for k, v in nutpie.items()}
    assert abs(float(stats["lp"].mean() - nutpie["lp"].mean())) < 10  # the same density with the same sign
    assert {"numpyro_version", "jax_version"} <= set(one.attrs)


def test_a_sampler_that_is_not_installed_is_named_with_the_cure(model, monkeypatch):
    monkeypatch.setattr(engine_choice, "find_spec", lambda name: None)
    with pytest.raises(NotAvailableError, match=r'needs numpyro and jax, not installed here: pip install "bayeslmm\['):
        model.sample(sampler="numpyro")


@pytest.mark.sampling
def test_ctrl_c_while_pymc_tunes_leaves_nothing(model, interrupted):
    interrupted(chain=0, draws=5)
    with pytest.raises(KeyboardInterrupt):
        model.sample(sampler="pymc", cores=1, draws=40, tune=60, chains=3, seed=1)
