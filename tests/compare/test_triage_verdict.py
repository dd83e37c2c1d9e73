"""The posterior seen from the boundary, the verdict and its rules, and the whole in words and pictures."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr

import bayeslmm as blm
from bayeslmm.compare.triage.posterior_part import overlap
from bayeslmm.compare.triage.singular import constant_slopes
from bayeslmm.compare.triage.sizes import sized
from bayeslmm.errors import ArgumentError, SamplingWarning
from bayeslmm.results.posterior import Posterior
from bayeslmm.results.report import Code, CopyText, Table
from tests.browser import DESK, PHONE, assert_stands_alone_and_fits, browser, needs_browser
from tests.compare.posteriors import SALARY, SLEEP, around, fitted


def quick(fit, post=None, **options):
    return fit.reanalyse(post=around(fit) if post is None else post, sensitivity=False, **options)


def changed(post, **variables):
    """The posterior with some variables multiplied."""
    data = post.data.copy(deep=True)
    for name, factor in variables.items():
        data["posterior"][name][:] = factor * post.data["posterior"][name].to_numpy()
    return Posterior(data=data, design=post.design, priors=post.priors, model=post.model)


@pytest.fixture(scope="module")
def salary():
    return quick(fitted(SALARY, "salary"))


# -- the posterior ----------------------------------------------------------------------------------------------------


def test_shares_of_the_draws(salary):
    draws, table = salary.posterior.post.draws, salary.posterior.table
    term = salary.fit.design.terms[0]
    sd, sigma = draws.sd(term), draws.sigma
    spread = np.sqrt((term.Z[:, 1] ** 2).mean())
    row = table.loc["sd major grade"]
    assert row["near"] == pytest.approx((sd[:, 1] * spread < 0.1 * sigma).mean())
    assert row["below"] == pytest.approx((sd[:, 1] < row["reml"]).mean())
    cor = draws.cor(term)[:, 0]
    assert table.loc["cor major (Intercept), grade", "near"] == pytest.approx((np.abs(cor) > 0.9).mean())
    assert table.loc[["grade", "sigma"], "near"].isna().all()


def test_the_boundary_is_one_of_effects_together(salary):
    draws, term = salary.posterior.post.draws, salary.fit.design.terms[0]
    scale = np.sqrt((term.Z**2).mean(axis=0))
    sd, r = draws.sd(term) * scale, draws.cor(term)[:, 0]
    a, b, c = sd[:, 0] ** 2, sd[:, 1] ** 2, r * sd[:, 0] * sd[:, 1]
    smallest = (a + b) / 2 - np.sqrt((a - b) ** 2 / 4 + c**2)
    expected = (smallest < (0.1 * draws.sigma) ** 2).mean()
    assert salary.posterior.boundary["near"].tolist() == pytest.approx([expected])


def test_near_is_an_argument():
    fit = fitted("Yield ~ 1 + (1 | Batch)", "dyestuff2")
    wide, narrow = (quick(fit, near=near).posterior.boundary["near"].iloc[0] for near in (0.5, 0.01))
    assert wide > 0.8
    assert narrow == 0


@pytest.mark.parametrize("shift", [0.0, 1.0, 3.0])
def test_overlap_of_two_normals(shift):
    rng = np.random.default_rng(1)
    found = overlap(rng.normal(size=20_000), rng.normal(shift, size=20_000))
    assert found == pytest.approx(2 * ndtr(-shift / 2), abs=0.025)  # bins and 20,000 draws


def test_overlap_of_apart_and_of_heavy_tails():
    rng = np.random.default_rng(2)
    assert overlap(rng.standard_cauchy(4000), rng.normal(1e6, 1, 4000)) < 1 / 20  # one bin has the tails of both
    assert overlap(np.zeros(100), np.ones(100)) == 0


def test_a_posterior_without_its_priors_shows_no_overlap(salary):
    assert salary.posterior.table["overlap"].isna().all()
    assert any("no overlap" in s for s in salary.posterior.sentences)


# -- the rules --------------------------------------------------------------------------------------------------------


def test_a_regular_fit_is_reported_as_written():
    found = quick(fitted(SLEEP, "sleepstudy"))
    assert found.verdict.recommendation == "as written"
    assert found.verdict.flags == ()
    assert found.verdict.conclusions.loc["Days", "everywhere"]
    assert "Nothing: every variance" in str(found)
    assert "no flags" in str(found)


def test_a_regular_fit_beside_a_posterior_that_disagrees():
    fit = fitted(SLEEP, "sleepstudy")
    found = quick(fit, around(fit, widen=8.0))
    assert found.verdict.recommendation == "posterior"
    assert found.verdict.conclusions.loc["Days", "differing"] == "posterior"
    assert [f for f in found.verdict.flags if f.startswith("Days: open instead of positive by posterior")]


def test_models_that_the_data_speak_against_do_not_count(salary):
    told = salary.verdict.conclusions.loc["grade"]
    assert "without (1 + grade | major)" in told["discounted"]
    assert "without" not in told["differing"]
    assert any("the data speak against this model" in f for f in salary.verdict.flags)


def test_sizes_that_depend_on_the_analysis():
    """A posterior one and a half standard errors away has the same sign; one half of one away is left alone."""
    fit = fitted(SLEEP, "sleepstudy")
    far, near = (quick(fit, around(fit, shift=by)) for by in (-1.5, -0.5))
    assert far.verdict.recommendation == "as written"
    assert far.verdict.conclusions.loc["Days", "resized"] == "posterior"
    median = far.posterior.effects.loc["Days", "estimate"]
    said = f"The size of Days depends on the analysis: 10.47 by the model as fitted, {median:.2f} by posterior"
    assert any(s.startswith(said) for s in far.verdict.sentences)
    assert near.verdict.conclusions.loc["Days", "resized"] == ""
    assert "The size of" not in " ".join(near.verdict.sentences)


def test_sizes_of_models_that_the_data_speak_against_are_not_told(salary):
    shift = salary.effects.set_index("analysis")["shift"]
    assert abs(shift["without (1 + grade | major)"]) > 1
    assert salary.verdict.conclusions.loc["grade", "resized"] == ""
    assert "The size of" not in " ".join(salary.verdict.sentences)


def test_a_singular_fit_is_answered_by_its_posterior(salary):
    assert salary.verdict.recommendation == "posterior"
    assert salary.verdict.formula == salary.fit.design.formula.written
    words = " ".join(salary.verdict.sentences)
    assert "not a failure to converge" in words
    assert "bobyqa and nelder-mead end at the same criterion" in words
    assert "Few groups: `major` has 5 levels" in words


def test_a_posterior_at_the_boundary_allows_the_simpler_model():
    fit = fitted("Yield ~ 1 + (1 | Batch)", "dyestuff2")
    found = quick(fit, changed(around(fit), sd_Batch=0.05))
    assert found.verdict.recommendation == "simpler"
    assert found.verdict.formula == "Yield ~ 1"
    other = quick(fit, changed(around(fit), sd_Batch=0.05, beta=0.0))  # with another conclusion it does not
    assert other.verdict.recommendation == "posterior"


def test_a_fit_that_did_not_converge_is_fitted_again():
    fit = fitted("score ~ Machine + (Machine | Worker)", "machines", optimizer="bobyqa")
    assert not fit.converged
    found = quick(fit)
    assert found.verdict.recommendation == "fit again"
    assert 'optimizer="lbfgs"' in found.verdict.sentences[0]


def test_draws_that_should_not_be_used_are_sampled_again():
    fit = fitted(SALARY, "salary")
    post = around(fit)
    data = post.data.copy(deep=True)
    data["sample_stats"]["diverging"][:] = True
    found = quick(fit, Posterior(data=data, design=post.design, priors=post.priors, model=post.model))
    assert found.verdict.recommendation == "sample again"


def _growth():
    """A line for each of 12 groups, all of one slope: the slope's variance is estimated as zero or nearly so."""
    rng = np.random.default_rng(5)
    g, x = np.repeat(np.arange(12), 8), np.tile(np.linspace(-1, 1, 8), 12)
    return pd.DataFrame({"g": [f"g{i}" for i in g], "x": x, "y": rng.normal(size=12)[g] + 2 * x + rng.normal(size=96)})


def test_an_optimiser_that_stops_short_is_told_by_how_much():
    found = quick(fitted("score ~ Machine + (Machine | Worker)", "machines"))
    row = found.alternatives.table.loc["optimiser bobyqa"]
    assert not row["converged"]
    assert found.fit.converged
    assert f"stops {row['difference']:.1g} above" in str(found)
    assert "not converged" not in str(found)


def test_a_predictor_far_from_zero_is_centred_first():
    data = _growth().assign(year=lambda d: 2010 + d["x"], z=lambda d: np.sin(7 * d["y"]))
    fit = fitted("y ~ year + z + (year + z | g)", data)
    by_hand = around(fit)
    found = quick(fit, Posterior(data=by_hand.data, design=fit.design, priors=fit.model.priors, model=fit.model))
    assert found.verdict.recommendation == "sample again"
    assert found.verdict.formula == "y ~ I(year - 2010) + z + (I(year - 2010) + z | g)"
    assert found.verdict.sentences[0].startswith("Centre `year` and reanalyse once more, y ~ I(year - 2010)")
    copied = [b.text for s in found.report().sections for b in s.blocks if isinstance(b, CopyText)]
    assert copied == [found.fit.apa().methods, found.fit.apa().results]  # that posterior is not for a paper


@pytest.mark.sampling
def test_no_time_is_spent_on_a_posterior_that_is_not_to_be_used():
    fit = fitted("y ~ year + (year | g)", _growth().assign(year=lambda d: 2010 + d["x"]))
    with pytest.warns(SamplingWarning, match="centre `year`"):
        found = fit.reanalyse(sampling={"draws": 1000})
    assert found.verdict.recommendation == "sample again"
    assert found.posterior.post.draws.sigma.size == 200
    assert not found.posterior.decisions


def test_slopes_of_what_is_constant_within_levels_are_left_out():
    found = quick(fitted("log(accel) ~ log(distance) + Richter + (1 + Richter | Quake)", "earthquake"))
    assert found.verdict.recommendation == "simpler"
    assert found.verdict.formula == "log(accel) ~ log(distance) + Richter + (1 | Quake)"
    assert "`Richter` has one value in each level of `Quake`" in found.verdict.sentences[0]


@pytest.mark.parametrize("constant", [("w",), ("w", "v")])
def test_slopes_that_no_level_tells_of_go_together_and_others_stay(constant):
    rng = np.random.default_rng(3)
    levels = pd.DataFrame({"w": rng.normal(size=12), "v": rng.normal(size=12)})
    data = levels.loc[np.repeat(np.arange(12), 5)].assign(g=np.repeat([f"g{i:02}" for i in range(12)], 5))
    data["x"] = rng.normal(size=60)
    data["y"] = data["x"] * (1 + np.repeat(rng.normal(size=12), 5)) + rng.normal(size=60)
    slopes = " + ".join(constant)
    fit = fitted(f"y ~ x + {slopes} + (1 + x + {slopes} | g)", data.reset_index(drop=True))
    assert constant_slopes(fit.design) == tuple(("g", c) for c in constant)
    found = quick(fit)
    assert f"y ~ x + {slopes} + (1 + x | g)" in set(found.alternatives.table["formula"])
    assert sum("so that no level tells of a slope" in s for s in found.verdict.sentences) == 1


def test_a_variance_for_each_sex_is_no_slope():
    assert not constant_slopes(fitted("distance ~ age + (0 + Sex | Subject)", "orthodont").design)
    assert constant_slopes(fitted("distance ~ age + (Sex | Subject)", "orthodont").design)
    assert not constant_slopes(fitted(SALARY, "salary").design)


def test_the_paragraphs_of_a_simpler_model_are_those_of_its_fit():
    data = _growth()
    fit = fitted("y ~ x + (x | g)", data)
    assert fit.is_singular
    found = quick(fit, changed(around(fit), sd_g=0.05))
    assert found.verdict.recommendation == "simpler"
    assert found.verdict.formula == "y ~ x + (1 | g)"
    own = fitted("y ~ x + (1 | g)", data).apa()
    methods, results, *_ = [b.text for s in found.report().sections for b in s.blocks if isinstance(b, CopyText)]
    assert results == own.results
    assert methods.startswith(own.methods)
    assert "simpler than the one that was planned, y ~ x + (x | g)" in methods


def test_models_that_do_not_count_are_named_with_their_reason():
    data = _growth()
    found = quick(fitted("y ~ x + (1 | g)", data.assign(y=data["y"] + 20 * data["g"].str[1:].astype(float))))
    assert "x is positive under all analyses but without (1 | g), which the data speak against." in (
        found.verdict.sentences
    )


# -- the whole --------------------------------------------------------------------------------------------------------


def test_every_analysis_has_every_effect():
    fit = fitted("score ~ Machine + (Machine | Worker)", "machines")
    found = quick(fit)
    counts = found.effects.groupby("analysis")["effect"].nunique()
    assert (counts == 2).all()
    assert set(counts.index) == {*found.alternatives.table.index, "Kenward-Roger", "posterior"}
    last = found.effects[found.effects["analysis"] == "posterior"].set_index("effect")
    beta = found.posterior.post.draws.beta
    np.testing.assert_allclose(last["estimate"], np.median(beta[:, 1:], axis=0))
    assert last[["df", "t", "p"]].isna().all(axis=None)


def test_the_effect_of_one_s_own():
    fit = fitted("score ~ Machine + (Machine | Worker)", "machines")
    found = quick(fit, focal="MachineC - MachineB")
    assert list(found.verdict.conclusions.index) == ["MachineC - MachineB"]
    expected = fit.contrast("MachineC - MachineB").table.iloc[0]
    np.testing.assert_allclose(found.effects["p"].iloc[0], expected["p"])


@pytest.mark.parametrize(
    ("formula", "data"),
    [
        ("diameter ~ 1 + (1 | plate) + (1 | sample)", "penicillin"),
        ("strength ~ 1 + (1 | batch/cask)", "pastes"),
        ("y ~ f + x + offset(z) + (0 + f | g) + (x || h)", None),
    ],
)
@pytest.mark.parametrize("reml", [True, False])
def test_every_kind_of_model(formula, data, reml):
    found = quick(fitted(formula, _frame() if data is None else data, reml=reml))
    assert all(heading in str(found) for heading in ("1. What is", "2. In the", "3. The post", "4. Verdict"))
    assert set(found.tables) >= {"singular", "alternatives", "effects", "posterior", "conclusions"}
    assert max(map(len, str(found).splitlines())) <= 80


def test_weights_and_a_rank_deficient_fixed_part():
    data = _frame().assign(twice=lambda d: 2 * d["x"])
    found = quick(fitted("y ~ x + twice + (x | g)", data, weights="w"))
    assert list(found.verdict.conclusions.index) == ["x"]
    same = found.alternatives.table["kind"].isin(["optimiser", "rescaled"])
    assert same.sum() == 4
    np.testing.assert_allclose(found.alternatives.table.loc[same, "difference"], 0, atol=1e-5)


@pytest.mark.parametrize("width", [7.0, 3.5])
def test_pictures_show_what_the_tables_say(salary, width):
    ax = salary.plot(width=width)
    ticks = [t.get_text() for t in ax.get_yticklabels()]
    assert len(ticks) == len(salary.effects)
    assert [t for t in ticks if t.endswith("(*)")] == [t for t in ticks if t.startswith("without")]
    assert sum(t.endswith(("*", "*)")) for t in ticks) == len(salary.verdict.flags)
    assert "depends on the analysis" in " ".join(ax.get_title(loc="left").split())
    shown = salary.plot_posterior(width=width)
    marked = [float(a.lines[-1].get_xdata()[0]) for a in shown]
    np.testing.assert_allclose(
        marked, salary.posterior.table.loc[salary.posterior.table["kind"].isin(["sd", "cor"]), "reml"]
    )
    assert len(salary.plot_profile(width=width)) == 3


def test_the_report_says_the_same(salary, tmp_path):
    report = salary.report(tmp_path / "salary.html", title="Salaries")
    assert list(report.verdict) == [s.replace("`", "") for s in salary.verdict.sentences]
    frames = [b.frame for s in report.sections for b in s.blocks if isinstance(b, Table)]
    for name in ("components", "boundary"):
        assert any(salary.tables[name].equals(f) for f in frames), name
    numbers = {"effects": ["estimate", "se", "p", "upper"], "variances": ["estimate", "lower"]}
    numbers |= {"posterior": ["REML", "median", "near"], "alternatives": ["criterion", "AIC"]}
    for name, columns in numbers.items():
        own = salary.tables[name].rename(columns={"reml": "REML"})[columns].to_numpy()
        assert any(set(columns) <= set(f) and np.array_equal(f[columns], own, equal_nan=True) for f in frames), name
    copied = [b.text for s in report.sections for b in s.blocks if isinstance(b, CopyText)]
    recommended, other = salary.posterior.post.apa(), salary.fit.apa()
    assert copied == [recommended.methods, recommended.results, other.methods, other.results]
    page = (tmp_path / "salary.html").read_text(encoding="utf-8")
    assert page.count("<figure") >= 3
    assert "Keep the model as first written" in page


@needs_browser
def test_the_report_in_a_browser(salary, tmp_path):
    salary.report(tmp_path / "salary.html")
    with browser() as driver:
        for width in (PHONE, DESK):
            assert_stands_alone_and_fits(driver, tmp_path / "salary.html", width)
        hidden = "return [...document.querySelectorAll('.table')].filter((e) => e.scrollWidth > e.clientWidth).length"
        assert driver.execute_script(hidden) == 0


def test_the_report_of_a_sound_fit_has_the_paragraphs_of_the_fit_first():
    found = quick(fitted(SLEEP, "sleepstudy"))
    copied = [b.text for s in found.report().sections for b in s.blocks if isinstance(b, CopyText)]
    assert copied[:2] == [found.fit.apa().methods, found.fit.apa().results]
    assert copied[2:] == [found.posterior.post.apa().methods, found.posterior.post.apa().results]


def test_pictures_of_what_is_not_there(salary):
    with pytest.raises(ArgumentError, match="no effect `grad` was compared; did you mean `grade`"):
        salary.plot("grad")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"near": 0}, "near must lie between 0 and 1"),
        ({"near": True}, "near must lie between 0 and 1"),
        ({"level": 95}, "between 0 and 1"),
        ({"ddf": "satterthwait"}, "satterthwaite"),
        ({"sensitivity": "yes"}, "True or False"),
        ({"focus": "grade"}, "no argument `focus`; did you mean `focal`"),
    ],
)
def test_arguments_without_a_meaning(options, said):
    with pytest.raises(ArgumentError, match=said):
        fitted(SALARY, "salary").reanalyse(**options)


def test_a_posterior_of_another_model_is_refused():
    fit = fitted(SALARY, "salary")
    with pytest.raises(ArgumentError, match="reanalyse needs a fit and a posterior of the same model"):
        fit.reanalyse(post=around(fitted("salary ~ 1 + grade + (1 | major)", "salary")))


def test_data_belong_to_a_formula():
    with pytest.raises(ArgumentError, match="data belong to a formula"):
        blm.reanalyse(fitted(SALARY, "salary"), blm.datasets.load("salary"))


@pytest.mark.sampling
def test_a_model_without_fixed_effects():
    found = blm.reanalyse("y ~ 0 + (1 | g)", _frame(), sampling={"draws": 400})
    assert found.verdict.conclusions.empty
    assert found.verdict.recommendation == "as written"
    assert "Report the model as written" in str(found)
    with pytest.raises(ArgumentError, match="no fixed effects"):
        found.plot()


@pytest.mark.sampling
def test_from_the_formula_to_the_verdict(recwarn):
    found = blm.reanalyse(SALARY, blm.datasets.load("salary"), seed=1)
    assert not recwarn.list
    assert found.posterior.post.diagnostics().ok
    assert found.verdict.recommendation == "posterior"
    assert found.verdict.conclusions.loc["grade", "differing"] == "Kenward-Roger, posterior"
    assert found.posterior.table["overlap"].between(0, 1).all()
    assert found.posterior.table.loc["cor major (Intercept), grade", "overlap"] > 0.8  # five groups say nothing of it
    assert found.posterior.table.loc["grade", "overlap"] < 0.3
    assert "8 times as narrow or 8 times as wide" in found.posterior.decisions["grade"].sentence
    code = next(b.text for b in found.report().sections[-1].blocks if isinstance(b, Code))
    made = {"data": blm.datasets.load("salary")}
    exec("\n".join(line for line in code.splitlines() if not line.startswith(("print", "found.report"))), made)
    pd.testing.assert_frame_equal(made["found"].effects, found.effects)
    again = found.fit.reanalyse(seed=1, sensitivity=False)
    pd.testing.assert_frame_equal(again.effects, found.effects)


def _frame():
    rng = np.random.default_rng(5)
    n = 144
    g, h = np.arange(n) % 9, np.arange(n) // 9 % 8
    columns = {"x": rng.normal(3, 1, n), "z": rng.normal(size=n), "w": rng.uniform(0.5, 2, n)}
    f = np.array(list("ab"))[rng.integers(0, 2, n)]
    y = columns["x"] + rng.normal(0, 1, 9)[g] + rng.normal(0, 1, 8)[h] + rng.normal(0, 1, n)
    return pd.DataFrame({"y": y, **columns, "f": f, "g": g.astype(str), "h": h.astype(str)})


def test_small_numbers_are_written_alike_in_tables_and_sentences(salary):
    """The response in another unit: the same conclusions, and every number of one effect in one notation."""
    data = blm.datasets.load("salary").assign(salary=lambda d: 1e-9 * d["salary"])
    found = quick(fitted(SALARY, data))
    row = found.effects.set_index("analysis").loc["as fitted (lbfgs)"]
    said = sized(float(row["estimate"]), float(row["se"]))
    assert "e-" in said
    assert f" {said} " in str(found)
    assert "0.00000" not in str(found)
