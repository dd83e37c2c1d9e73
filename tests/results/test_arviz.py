"""ArviZ does what it does on `post.data`: several grouping factors, names of every kind, nothing constant in it."""

import arviz as az
import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr

from bayeslmm.bayes.dress import dress
from bayeslmm.bayes.raw_draws import RawDraws
from bayeslmm.results.posterior import Posterior
from bayeslmm.results.posterior_tables import interval
from tests.results.posterior_draws import case

CHAINS, DRAWS = 4, 100
PARAMETERS = ["beta", "sigma", "sd_a", "cor_a", "sd_b:a", "sd_g"]


@pytest.fixture(scope="module")
def post() -> Posterior:
    """A posterior as an engine gives it: a nested, a crossed and an uncorrelated term."""
    made = case("y ~ x + f + (1 + z | a/b) + (x || g)", chains=CHAINS, draws=DRAWS).post
    rng = np.random.default_rng(0)
    shape = (CHAINS, DRAWS)
    statistics = {
        "diverging": np.arange(CHAINS * DRAWS).reshape(shape) % 50 == 0,
        "energy": rng.normal(size=shape),
        "lp": rng.normal(size=shape),
        "acceptance_rate": rng.uniform(size=shape),
        "step_size": np.full(shape, 0.5),
        "n_steps": np.full(shape, 7),
        "tree_depth": np.full(shape, 3),
        "reached_max_treedepth": np.zeros(shape, dtype=bool),
    }
    values = {str(name): v.to_numpy() for name, v in made.data["posterior"].data_vars.items()}
    tree = dress(made.design, RawDraws(values, statistics), {"engine": "marginal", "seed": 1})
    extended = Posterior(tree, made.design, made.priors, made.model).extended(seed=1)
    prior = made.data["posterior"].to_dataset().isel(chain=[0])
    return Posterior(
        xr.DataTree.from_dict({**{k: v.to_dataset() for k, v in extended.data.children.items()}, "prior": prior}),
        made.design,
        made.priors,
        made.model,
    )


def test_a_summary_has_a_row_for_everything_and_no_nan(post):
    table = az.summary(post.data, ci_prob=0.95, ci_kind="eti", round_to="none")
    posterior = post.data["posterior"].to_dataset()
    assert len(table) == sum(v[0, 0].size for v in posterior.data_vars.values())
    assert np.isfinite(table[["mean", "sd", "r_hat", "ess_bulk", "ess_tail"]].to_numpy(dtype=float)).all()
    ours = post.summary(kind="eti").fixed
    theirs = table.loc[[f"beta[{name}]" for name in post.design.coef_names]]
    np.testing.assert_allclose(
        ours[["estimate", "sd", "rhat", "ess_bulk"]], theirs[["mean", "sd", "r_hat", "ess_bulk"]]
    )


@pytest.mark.parametrize("measure", [az.rhat, az.ess, az.mcse])
def test_measures_of_convergence_are_numbers(post, measure):
    found = measure(post.data).to_dataset()
    assert set(found) == set(post.data["posterior"].data_vars)
    assert all(np.isfinite(v).all() for v in found.data_vars.values())


def test_intervals_and_energy(post):
    lower, upper = interval(post.draws.beta, 0.9, "hdi")
    np.testing.assert_allclose(az.hdi(post.data, prob=0.9)["beta"], np.stack([lower, upper], axis=1))
    assert az.bfmi(post.data)["energy"].shape == (CHAINS,)


@pytest.mark.filterwarnings("ignore:Estimated shape parameter")  # these draws have not seen the data
def test_models_are_compared(post):
    other = post.extended("log_likelihood", seed=2)
    table = az.compare({"one": post.data, "other": other.data})
    assert list(table.index) in (["one", "other"], ["other", "one"])
    assert np.isfinite(table["elpd"]).all()
    assert np.isfinite(az.loo(post.data, pointwise=True).elpd)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("plot", "options"),
    [
        ("plot_trace", {}),
        ("plot_trace_dist", {}),
        ("plot_rank", {}),
        ("plot_rank_dist", {}),
        ("plot_forest", {"combined": True}),
        ("plot_ridge", {}),
        ("plot_dist", {}),
        ("plot_autocorr", {"var_names": ["sigma"]}),
        ("plot_ess", {"var_names": ["sigma"]}),
        ("plot_ess_evolution", {"var_names": ["sigma"]}),
        ("plot_mcse", {"var_names": ["sigma"]}),
        ("plot_convergence_dist", {}),
        ("plot_pair", {"var_names": ["sigma", "sd_a"]}),
        ("plot_parallel", {"var_names": ["sigma", "sd_a"]}),
        ("plot_prior_posterior", {"var_names": ["sigma", "sd_g"]}),
    ],
)
def test_parameters_are_drawn(post, plot, options):
    drawn = getattr(az, plot)(post.data, **{"var_names": PARAMETERS} | options)
    assert drawn.viz


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("plot", ["plot_energy", "plot_ppc_dist", "plot_loo_pit", "plot_ppc_pit", "plot_ppc_tstat"])
def test_groups_are_drawn(post, plot):
    assert getattr(az, plot)(post.data).viz


@pytest.mark.filterwarnings("ignore")
def test_effects_of_one_group_are_drawn_by_their_names(post):
    drawn = az.plot_forest(post.data, var_names=["b_b:a"], coords={"b:a_effect": "z"}, combined=True)
    labels = {t.get_text() for axes in mpl.pyplot.gcf().axes for t in axes.texts}
    assert any("b0:a0" in label for label in labels)
    assert drawn.viz
