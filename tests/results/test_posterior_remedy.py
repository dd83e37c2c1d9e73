"""One more run with smaller steps where the marginal engine's draws cannot be used: when, which is kept, and said."""

import warnings

import numpy as np
import pytest

import bayeslmm as blm
from bayeslmm.errors import SamplingWarning
from bayeslmm.results import posterior_remedy
from bayeslmm.results.posterior import Posterior
from bayeslmm.results.posterior_remedy import remedied
from tests.results.posterior_draws import case

CHAINS, DRAWS = 4, 500
FIRST = {"engine": "marginal", "sampler": "bayeslmm", "chains": CHAINS, "draws": DRAWS, "seed": 7}
SECOND = {"tune": 1000, "target_accept": 0.99, "engine": "marginal", "seed": 7}


def make(divergences: int = 0, shift: float = 0.0, slow: int = 1, draws: int = DRAWS, **attrs) -> Posterior:
    """Draws with divergences, with a chain that lies elsewhere, or of which each is held for `slow` draws."""
    post = case("y ~ x + (1 | g)", chains=CHAINS, draws=draws).post
    post.data["sample_stats"]["diverging"].values[0, :divergences] = True
    sigma = post.data["posterior"]["sigma"].values
    sigma[0] += shift
    sigma[:] = np.repeat(sigma, slow, axis=1)[:, :draws]
    post.data.attrs = {**FIRST, "draws": draws, "tune": 200, "target_accept": 0.9, **attrs}
    return post


class Again:
    """Gives this posterior, and remembers what it was asked for."""

    def __init__(self, post: Posterior | None):
        self.post, self.asked = post, []

    def __call__(self, **options) -> Posterior:
        self.asked.append(options)
        if self.post is None:
            raise KeyboardInterrupt
        return self.post


def test_good_draws_are_left_alone():
    again, post = Again(make()), make()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert remedied(post, {}, again) is post
    assert not again.asked


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"divergences": 3}, "divergences: 3 divergent of 2000 draws"),
        ({"shift": 1.0}, r"R-hat: largest 1\.\d+ \(sigma\), above 1.01"),
        ({"slow": 25}, r"ESS bulk: smallest \d+ \(sigma\), below 400"),
    ],
)
def test_bad_draws_are_drawn_once_more_and_the_better_kept(bad, said):
    again = Again(make(tune=1000, target_accept=0.99))
    with pytest.warns(SamplingWarning, match=said + ".*Sampled once more with tune=1000.*all is well now$") as seen:
        post = remedied(make(**bad), {"draws": DRAWS, "engine": "importance"}, again)
    assert len(seen) == 1
    assert again.asked == [SECOND | {"draws": DRAWS}]
    assert post.diagnostics().ok
    assert post.data.attrs["tune"] == 1000
    assert post.data.attrs["remedy"].endswith("all is well now")
    assert " Remedy: " in post.summary().text
    assert max(map(len, post.summary().text.splitlines())) <= 80


def test_where_both_are_bad_the_better_is_kept_and_the_next_step_told():
    better, first = make(divergences=1, tune=1000, target_accept=0.99), make(divergences=9)
    with pytest.warns(SamplingWarning, match=r"better.*Still: .*1 divergent.*target_accept=0.999, tune=2000"):
        post = remedied(first, {}, Again(better))
    assert post.diagnostics().table.loc["divergences", "value"] == 1
    with pytest.warns(SamplingWarning, match=r"no better, and the first draws kept. Still: .*1 divergent"):
        post = remedied(better, {}, Again(make(divergences=2)))
    assert post.diagnostics().table.loc["divergences", "value"] == 1


@pytest.mark.parametrize("second", [None, make(draws=40)])
def test_ctrl_c_keeps_the_first_draws(second):
    with pytest.warns(SamplingWarning, match=r"interrupted, and the first draws kept. Still: .*3 divergent"):
        post = remedied(make(divergences=3), {}, Again(second))
    assert post.draws.shape == (CHAINS, DRAWS)


@pytest.mark.parametrize(
    ("options", "attrs"),
    [
        ({"tune": 200}, {}),
        ({"target_accept": 0.9}, {}),
        ({"store": "a"}, {}),
        ({}, {"engine": "hierarchical"}),
        ({}, {"chains": CHAINS + 1}),
    ],
)
def test_those_who_chose_are_told_and_no_more(options, attrs):
    again = Again(make())
    with pytest.warns(SamplingWarning, match=r"3 divergent of 2000 draws.*What to do: model.sample\("):
        post = remedied(make(divergences=3, **attrs), options, again)
    assert not again.asked
    assert "remedy" not in post.data.attrs


def test_draws_that_are_merely_few_are_not_drawn_anew():
    post = make(draws=60)
    with pytest.warns(SamplingWarning, match="ESS"):
        assert remedied(post, {}, Again(make())) is post
    assert not posterior_remedy.faults(make(draws=60, shift=1.0))


def test_a_model_samples_again_by_itself(monkeypatch):
    model = blm.Model("Reaction ~ Days + (Days | Subject)", blm.datasets.load("sleepstudy"))
    runs, asked = [make(divergences=2), make()], []

    def run(_, **options):
        asked.append(options)
        return runs[len(asked) - 1]

    monkeypatch.setattr(blm.Model, "_sampled", run)
    with pytest.warns(SamplingWarning, match="all is well now"):
        model.sample(seed=7, chains=CHAINS)
    assert asked == [{"seed": 7, "chains": CHAINS}, SECOND | {"chains": CHAINS}]
