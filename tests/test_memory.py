"""What a fit of many rows needs of memory, as counted by the allocators: a multiple of the columns it uses."""

import tracemalloc

import numpy as np
import pandas as pd

import bayeslmm as blm


def test_a_fit_of_many_rows_takes_less_than_three_times_its_columns(monkeypatch):
    monkeypatch.setenv("BAYESLMM_ENGINE", "plain")
    n = 2_500_000
    rng = np.random.default_rng(1)
    g, x = rng.integers(0, 100, n), rng.normal(size=n)
    frame = pd.DataFrame(
        {
            "y": x * (1 + rng.normal(size=100)[g]) + rng.normal(size=100)[g] + rng.normal(size=n),
            "x": x,
            "g": g,
            "unused": x,
        }
    )
    used = int(frame[["y", "x", "g"]].memory_usage(index=False).sum())
    kept = frame.copy()
    tracemalloc.start()
    fit = blm.lmer("y ~ x + (x | g)", frame)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert fit.converged
    assert peak < 3 * used
    pd.testing.assert_frame_equal(frame, kept)


def test_later_changes_of_the_data_do_not_reach_a_model():
    frame = blm.datasets.load("sleepstudy")
    model = blm.Model("Reaction ~ Days + (Days | Subject)", frame)
    before = [a.copy() for a in (model.design.y, model.design.X, model.design.terms[0].Z, model.design.terms[0].index)]
    frame.loc[:, "Reaction"] = 0.0
    frame.loc[:, "Days"] = 1
    for column in frame.columns:
        values = frame[column].to_numpy()
        if isinstance(values, np.ndarray) and values.flags.writeable and values.dtype.kind in "fi":
            values[:] = 7
    after = (model.design.y, model.design.X, model.design.terms[0].Z, model.design.terms[0].index)
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(old, new)
