"""R-hat and effective sample sizes are ArviZ's to rounding, for draws of every kind."""

import numpy as np
import pytest
from arviz_stats.base import array_stats
from numpy.testing import assert_allclose

from bayeslmm.results import convergence

AXES = {"chain_axis": 0, "draw_axis": 1}


def draws(kind: str, shape: tuple[int, int], seed: int = 0) -> np.ndarray:
    """(chain, draw) of one kind."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=shape)
    match kind:
        case "independent":
            return x
        case "slow":
            for t in range(1, shape[1]):
                x[:, t] += 0.95 * x[:, t - 1]
            return x
        case "antithetic":
            for t in range(1, shape[1]):
                x[:, t] -= 0.9 * x[:, t - 1]
            return x
        case "walk":
            return np.cumsum(x, axis=1)
        case "apart":
            return x + 3 * np.arange(shape[0])[:, None]
        case "spread":
            return x * (1 + np.arange(shape[0]))[:, None]
        case "heavy tails":
            return rng.standard_t(1, size=shape)
        case "ties":
            return np.round(x)
        case "two values":
            return (x > 1.5).astype(float)
        case "signs":
            return np.where(np.arange(shape[0] * shape[1]).reshape(shape) % 2, 1.0, -1.0)
        case "stuck":
            return 0 * x + np.arange(shape[0])[:, None]
        case "at zero":
            return np.maximum(x, 0.0)
    return 1e8 + 1e-3 * x


KINDS = ["independent", "slow", "antithetic", "walk", "apart", "spread", "heavy tails", "ties", "two values"]
KINDS += ["at zero", "far", "signs", "stuck"]


@pytest.mark.parametrize("shape", [(4, 500), (2, 101), (1, 250), (3, 8), (2, 5), (2, 4)])
def test_all_kinds_of_draws_at_once(shape):
    values = np.stack([draws(kind, shape, seed) for seed in range(3) for kind in KINDS], axis=2)
    moving = values[:, :, np.ptp(values, axis=(0, 1)) > 0]
    ours = np.ascontiguousarray(moving.transpose(2, 0, 1))
    with np.errstate(all="ignore"):
        expected = [array_stats.ess(moving, method=how, **AXES) for how in ("bulk", "mean")]
        expected.append(array_stats.ess(moving, method="tail", prob=(0.05, 0.95), **AXES))
        if shape[0] > 1:
            assert_allclose(convergence.rhat(ours), array_stats.rhat(moving, **AXES), rtol=1e-12)
    for f, value in zip((convergence.ess_bulk, convergence.ess_mean, convergence.ess_tail), expected, strict=True):
        assert_allclose(f(ours), value, rtol=1e-11)


def test_constants_have_every_draw():
    assert_allclose(convergence.ess_mean(np.full((2, 4, 10), 3.0)), 40)


def test_ranks_of_ties_are_averages():
    scores = convergence.normal_scores(np.array([[[3.0, 1.0], [3.0, 2.0]], [[1.0, 2.0], [3.0, 4.0]]]))
    assert scores[0, 0, 0] == scores[0, 1, 0]
    assert_allclose(scores[1].ravel(), -scores[1].ravel()[::-1])
    assert scores[0, 0, 1] == scores[1, 0, 0]
