"""`Posterior.predict(interval=...)` means what `Fit.predict(interval=...)` does; draws fit into memory."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from bayeslmm.errors import ArgumentError, DataError
from bayeslmm.likelihood import memory
from bayeslmm.results import posterior_draws, predictor
from tests.results.posterior_draws import Case, case, frame


@pytest.fixture(scope="module")
def one() -> Case:
    return case("y ~ x + (1 + x | g) + (1 | h)", chains=4, draws=500, weights="w")


def rows(n: int = 12) -> pd.DataFrame:
    return frame(seed=5).iloc[:n]


@pytest.mark.parametrize(
    ("interval", "kind"),
    [
        ("confidence", "expected"),
        ("expected", "expected"),
        ("confidence", "linear"),
        ("prediction", "predictive"),
        ("predictive", "predictive"),
    ],
)
def test_intervals_of_the_fitted_rows_are_those_of_a_kind(one, interval, kind):
    asked = one.post.predict(interval=interval, level=0.8, seed=1)
    pd.testing.assert_frame_equal(asked, one.post.predict(kind=kind, level=0.8, seed=1))


def test_a_level_that_is_new_varies_with_its_full_variance(one):
    new = rows().assign(g="new")
    asked = one.post.predict(new, new_levels="population", interval="confidence", seed=1)
    pd.testing.assert_frame_equal(asked, one.post.predict(new, new_levels="sample", seed=1))
    known = one.post.predict(new, new_levels="population")
    variance = [np.mean([z @ V @ z for V in one.post.draws.cov(one.design.terms[0])]) for z in design_rows(new)]
    assert_allclose(asked["se"] ** 2, known["se"] ** 2 + variance, rtol=0.15)
    with pytest.raises(DataError, match="`new`"):
        one.post.predict(new, interval="confidence")


def design_rows(new: pd.DataFrame) -> np.ndarray:
    return np.column_stack([np.ones(len(new)), new["x"]])


def test_an_observation_comes_from_one_new_level_of_the_groups_left_out(one):
    new = rows().drop(columns=["g", "w"])
    asked = one.post.predict(new, re=["h"], interval="prediction", seed=3, draws=True)
    named = one.post.predict(new.assign(g="new"), new_levels="sample", kind="predictive", seed=3, draws=True)
    assert_allclose(asked, named)
    with pytest.raises(DataError, match="no column `x`"):
        one.post.predict(new.drop(columns="x"), re=["h"], interval="prediction")
    fitted = one.post.predict(re="none", interval="prediction", seed=3)
    mean = one.post.predict(re="none")
    assert (fitted["se"] > 1.5 * mean["se"]).all()


def test_an_observation_has_its_weight(one):
    heavy = rows().assign(w=1e12)
    same = one.post.predict(heavy, interval="prediction", seed=2, draws=True)
    assert_allclose(same, one.post.predict(heavy, interval="confidence", draws=True), atol=1e-4)
    with pytest.raises(DataError, match="must be positive"):
        one.post.predict(rows().assign(w=0.0), interval="prediction")


def test_draws_with_labels(one):
    new = rows().set_axis([f"row {i}" for i in range(12)])
    labelled = one.post.predict(new, draws="xarray")
    assert labelled.dims == ("chain", "draw", "obs")
    assert list(labelled["obs"].to_numpy()) == list(new.index)
    assert_array_equal(labelled.to_numpy().reshape(-1, 12), one.post.predict(new, draws="array"))
    two_keys = new.set_axis(pd.MultiIndex.from_product([[1, 2], range(6)]))
    assert_array_equal(one.post.predict(two_keys, draws="xarray")["obs"], np.arange(12))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p: p.predict(interval="mean"), '"confidence", "expected", "prediction", "predictive"'),
        (lambda p: p.predict(kind="predictive", interval="confidence"), "ask for different things"),
        (lambda p: p.predict(draws="frame"), 'False, True, "array", "xarray"'),
        (lambda p: p.predict({"x": [1.0], "g": ["g0"]}), "no column `h`"),
        (lambda p: p.predict({"x": [1.0], "g": ["g0"], "h": ["?"]}, interval="prediction"), r"new data .*`\?`"),
    ],
)
def test_arguments_are_checked_with_a_sentence(one, call, message):
    with pytest.raises((ArgumentError, DataError), match=message):
        call(one.post)


# -- memory --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("whole", [0, 10**9])
def test_effects_are_laid_out_once_or_a_chunk_at_a_time(one, monkeypatch, whole):
    expected = one.post.predict(draws=True)
    monkeypatch.setattr(predictor, "WHOLE", whole)
    monkeypatch.setattr(posterior_draws, "CHUNK", 7 * one.post.draws.size)
    assert_allclose(one.post.predict(draws=True), expected, rtol=1e-12)
    assert_allclose(one.post.predict()["upper"], np.quantile(expected, 0.975, axis=0), rtol=1e-12)


def test_many_rows_take_the_memory_of_a_chunk(one, monkeypatch):
    monkeypatch.setattr(posterior_draws, "CHUNK", 200_000)
    many = pd.concat([frame()] * 100, ignore_index=True).assign(g="new")
    all_draws = 8 * len(many) * one.post.draws.size
    tracemalloc.start()
    table = one.post.predict(many, interval="prediction", new_levels="sample", seed=1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(table) == 6000
    assert peak < all_draws / 6  # 96 MB of draws in 60 chunks


def test_draws_that_do_not_fit_into_memory_are_said(one, monkeypatch):
    monkeypatch.setattr(predictor, "free_memory", lambda: 1e6)
    with pytest.raises(ArgumentError, match=r"2,000 draws of 6,000 rows are 0\.1 GB, and 0\.0 GB of memory are free"):
        one.post.predict(pd.concat([frame()] * 100), draws=True)
    assert len(one.post.predict(pd.concat([frame()] * 2))) == 120


def test_free_memory_is_a_number_of_bytes():
    assert memory.free_memory() > 1e7
