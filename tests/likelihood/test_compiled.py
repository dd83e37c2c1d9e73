"""The compiled loops give what the plain path gives; which of the two runs is decided by work, and can be chosen."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.testing import assert_allclose

from bayeslmm.errors import ArgumentError
from bayeslmm.likelihood import background, policy, threads
from bayeslmm.likelihood.compiled import engine as compiled
from bayeslmm.likelihood.compiled import tiles
from bayeslmm.likelihood.marginal import MarginalLikelihood, flattened
from bayeslmm.likelihood.plain import plain_evaluation, plain_modes, plain_value
from tests.designs import SHAPES, designs_with_theta, make_design


def both(likelihood, flat, reml, sigma=None):
    engine = compiled.Engine.of(likelihood.structure, likelihood.A)
    nu = likelihood.nu(reml)
    return (
        plain_evaluation(likelihood.A, likelihood.structure, flat, nu, reml, sigma),
        engine.evaluation(flat, nu, reml, sigma),
    )


def assert_same(plain, loops):
    size = np.abs(plain.gradient).max(initial=1.0)
    assert_allclose(loops.parts, plain.parts, rtol=1e-12, atol=1e-11)
    assert_allclose(loops.gradient, plain.gradient, rtol=1e-12, atol=1e-12 * size)
    assert_allclose(loops.L_X, plain.L_X, rtol=1e-12, atol=1e-12)
    assert_allclose(loops.gamma, plain.gamma, rtol=1e-11, atol=1e-11)
    for mine, theirs in zip((*loops.u, *loops.b), (*plain.u, *plain.b), strict=True):
        assert_allclose(mine, theirs, rtol=1e-10, atol=1e-11)


@given(designs_with_theta())
@settings(max_examples=60, deadline=None)
def test_plain_and_compiled_agree(case):
    design, theta = case
    likelihood = MarginalLikelihood.of(design)
    flat = flattened(likelihood.covariance.lambdas(theta))
    for reml in (True, False):
        assert_same(*both(likelihood, flat, reml))
    assert_same(*both(likelihood, flat, True, sigma=1.7))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("n", [700, 1500])
def test_they_agree_with_many_levels_and_lapack_in_the_tail(shape, n, monkeypatch):
    monkeypatch.setattr(compiled, "SMALL", 3)
    monkeypatch.setattr(compiled, "PIECE", 10)
    likelihood = MarginalLikelihood.of(make_design(shape, seed=4, n=n, levels=n // 4))
    theta = np.random.default_rng(1).normal(size=likelihood.covariance.m)
    assert_same(*both(likelihood, flattened(likelihood.covariance.lambdas(theta)), True))


@pytest.mark.parametrize("shape", SHAPES)
def test_modes_without_a_derivative_are_those_with_one(shape, monkeypatch):
    monkeypatch.setattr(compiled, "SMALL", 3)
    likelihood = MarginalLikelihood.of(make_design(shape, seed=5, n=300, levels=40))
    flat = flattened(likelihood.covariance.lambdas(np.random.default_rng(2).normal(size=likelihood.covariance.m)))
    plain, loops = both(likelihood, flat, False)
    engine = compiled.Engine.of(likelihood.structure, likelihood.A)
    for parts, u in (engine.modes(flat), plain_modes(likelihood.A, likelihood.structure, flat)):
        assert_allclose(parts, plain.parts, rtol=1e-12, atol=1e-11)
        for mine, theirs in zip(u, loops.u, strict=True):
            assert_allclose(mine, theirs, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("n", [1, 5, 191, 192, 193, 500])
def test_tiles_give_the_factor_and_the_inverse(n, monkeypatch):
    A = np.random.default_rng(n).normal(size=(n, n))
    M = A @ A.T + np.eye(n)
    for tile in (tiles.TILE, 7, 64):
        monkeypatch.setattr(tiles, "TILE", tile)
        monkeypatch.setattr(tiles, "WIDE", 2 * tile)
        S = M.copy()
        tiles.cholesky(S)
        assert_allclose(np.tril(S), np.linalg.cholesky(M), rtol=1e-10, atol=1e-10)
        for m in (n, max(n - 3, 1)):
            T = tiles.inverse(S.copy(), m)
            assert_allclose(np.tril(T), np.tril(np.linalg.inv(M[:m, :m])), rtol=1e-9, atol=1e-10)


def test_tiles_say_which_pivot_fails(monkeypatch):
    monkeypatch.setattr(tiles, "TILE", 16)
    S = np.eye(50)
    S[37, 37] = -1.0
    tiles.cholesky(S)
    assert np.isnan(S[37, 37])
    assert np.isfinite(np.diag(S)[:37]).all()


def test_work_that_fails_on_another_thread_is_not_lost():
    done = []

    def work(i):
        if i == 5:
            raise ValueError("five")
        done.append(i)

    threads.set_threads(2)
    with pytest.raises(ValueError, match="five"):
        threads.spread(work, [(i,) for i in range(6)])
    threads.spread(work, [(i,) for i in range(6, 40)])
    threads.set_threads(None)
    assert sorted(done) == [0, 1, 2, 3, 4, *range(6, 40)]


def test_the_number_of_threads_changes_nothing(monkeypatch):
    monkeypatch.setattr(compiled, "PIECE", 10)
    likelihood = MarginalLikelihood.of(make_design("everything", seed=4, n=900, levels=200))
    flat = flattened(likelihood.covariance.lambdas(np.ones(likelihood.covariance.m)))
    results = []
    for n in (1, 2, 3):
        threads.set_threads(n)
        results.append(both(likelihood, flat, True)[1])
    threads.set_threads(None)
    for other in results[1:]:
        assert other.parts == results[0].parts
        assert (other.gradient == results[0].gradient).all()


def test_a_matrix_that_is_not_positive_definite_is_refused():
    likelihood = MarginalLikelihood.of(make_design("crossed", seed=1))
    flat = flattened(likelihood.covariance.lambdas(np.full(likelihood.covariance.m, np.nan)))
    engine = compiled.Engine.of(likelihood.structure, likelihood.A)
    with pytest.raises(np.linalg.LinAlgError):
        engine.value(flat)
    with pytest.raises((np.linalg.LinAlgError, ValueError)):
        plain_value(likelihood.A, likelihood.structure, flat)


@pytest.fixture
def fresh(monkeypatch):
    """A process that has done no work yet."""
    monkeypatch.delenv("BAYESLMM_ENGINE", raising=False)
    monkeypatch.setattr(policy, "_spent", type(policy._spent)())
    monkeypatch.setattr(policy, "COMPILED", "bayeslmm.no_such_module")
    started = []
    monkeypatch.setattr(policy, "compile_in_background", lambda: started.append(policy._spent.seconds))
    return started


def test_loops_on_disk_come_in_after_a_few_evaluations(fresh, monkeypatch):
    monkeypatch.setattr(policy, "on_disk", lambda: True)
    assert [policy.pays(0.45 * policy.LOADING) for _ in range(4)] == [False, False, True, True]
    assert not fresh


def test_loops_that_are_not_there_are_compiled_elsewhere_meanwhile(fresh, monkeypatch):
    kept = []
    monkeypatch.setattr(policy, "on_disk", lambda: bool(kept))
    assert not policy.pays(0.9 * policy.COMPILING)
    assert not fresh
    assert not policy.pays(0.2 * policy.COMPILING)
    assert fresh
    kept.append("now")
    assert not policy.pays(0.0)
    assert policy.pays(0.03)


def test_loops_that_never_come_are_compiled_here_in_the_end(fresh, monkeypatch):
    monkeypatch.setattr(policy, "on_disk", lambda: False)
    assert not policy.pays(0.99 * policy.WAITING)
    assert policy.pays(0.02 * policy.WAITING)


def test_a_folder_of_numba_s_own_is_the_only_place(monkeypatch, tmp_path):
    compiled = Path(policy.__file__).parent / "compiled"
    source = tmp_path / "bayeslmm" / "likelihood" / "compiled" / "whole.py"
    kept = source.parent / "__pycache__" / f"whole.evaluate-1.py{sys.version_info.major}{sys.version_info.minor}.nbi"
    kept.parent.mkdir(parents=True)
    source.write_bytes((compiled / "whole.py").read_bytes())
    kept.touch()
    os.utime(source, (1, 1))
    monkeypatch.setattr(policy, "__file__", str(source.parents[1] / "policy.py"))
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    assert policy.is_kept("likelihood/compiled", "whole.evaluate")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "other"))
    assert not policy.is_kept("likelihood/compiled", "whole.evaluate")


@pytest.mark.parametrize("variable", ["NUMBA_CACHE_DIR", "XDG_CACHE_HOME"])
def test_loops_are_found_where_numba_keeps_them(monkeypatch, tmp_path, variable):
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv(variable, str(tmp_path))
    top = tmp_path if variable == "NUMBA_CACHE_DIR" else tmp_path / "numba"
    monkeypatch.setattr(policy, "LAST_COMPILED", (("likelihood/compiled", "whole.no_such_function"),))
    assert not policy.on_disk()
    folder = top / "compiled_0123abcd"
    folder.mkdir(parents=True)
    (folder / f"whole.no_such_function-12.py{sys.version_info.major}{sys.version_info.minor}.nbi").touch()
    assert policy.on_disk()
    os.utime(next(folder.iterdir()), (1, 1))
    assert not policy.on_disk()


def test_one_process_of_several_compiles(monkeypatch, tmp_path):
    calls = []
    monkeypatch.setattr(background.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(
        background.subprocess, "Popen", lambda command, **options: calls.append((command, options)) or calls
    )
    background.compile_in_background.cache_clear()
    assert background.compile_in_background()
    background.compile_in_background.cache_clear()
    assert not background.compile_in_background()
    os.utime(background.lock_file(), (1, 1))
    background.compile_in_background.cache_clear()
    assert background.compile_in_background()
    background.compile_in_background.cache_clear()
    assert len(calls) == 2
    command, options = calls[0]
    assert command[1:] == ["-m", "bayeslmm.warm_up"]
    assert options["env"]["BAYESLMM_ENGINE"] == "compiled"


def test_the_path_can_be_chosen(monkeypatch):
    for choice, expected in (("plain", False), ("compiled", True)):
        monkeypatch.setenv("BAYESLMM_ENGINE", choice)
        assert policy.pays(0.0) is expected
    monkeypatch.setenv("BAYESLMM_ENGINE", "fast")
    with pytest.raises(ArgumentError, match="BAYESLMM_ENGINE is 'fast'; it is auto, plain or compiled"):
        policy.pays(0.0)


@pytest.mark.parametrize("n", [0, -1, 1.5, True, "2"])
def test_the_number_of_threads_must_be_a_count(n):
    with pytest.raises(ArgumentError, match="at least 1"):
        threads.set_threads(n)


def test_threads_from_the_environment(monkeypatch):
    monkeypatch.setenv("BAYESLMM_THREADS", "3")
    assert threads.threads() == 3
    monkeypatch.setenv("BAYESLMM_THREADS", "many")
    with pytest.raises(ArgumentError, match="BAYESLMM_THREADS is 'many'"):
        threads.threads()
