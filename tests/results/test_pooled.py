"""Rubin's rules against their closed form, limits, mitml and mice; stacked posteriors against their draws."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayeslmm as blm
from bayeslmm.design.linear import linear_functions
from bayeslmm.errors import ArgumentError, DesignWarning, SamplingWarning, SingularFitWarning
from bayeslmm.point.imputed import Shares, d1, d1_df
from tests.reference_cases import HOME, machines_imputed
from tests.results.posterior_draws import case, frame

FORMULA = "Reaction ~ Days + (Days | Subject)"


def imputed(m: int = 4, seed: int = 1) -> list[pd.DataFrame]:
    """sleepstudy with 30 responses imputed from normal distributions around those that were there."""
    data = blm.datasets.load("sleepstudy")
    rng = np.random.default_rng(seed)
    gone = rng.choice(180, size=30, replace=False)
    frames = []
    for _ in range(m):
        y = data["Reaction"].to_numpy().copy()
        y[gone] += rng.normal(0, 40, size=30)
        frames.append(data.assign(Reaction=y))
    return frames


def _other_levels(frames: list[pd.DataFrame]) -> list[pd.DataFrame]:
    return [f.assign(f=np.resize(list(levels), len(f))) for f, levels in zip(frames, ("ab", "ac"), strict=False)]


def rubin(Q, U, complete) -> pd.DataFrame:
    """Pooled estimates Q and squared standard errors U, both (m, q)."""
    m, within, between = len(Q), U.mean(axis=0), (1 + 1 / len(Q)) * Q.var(axis=0, ddof=1)
    cost = Shares.of(within, between, complete, m)
    columns = {"estimate": Q.mean(axis=0), "se": np.sqrt(within + between), "df": cost.df, "lambda": cost.share}
    return pd.DataFrame({**columns, "riv": cost.riv, "fmi": cost.fmi})


@pytest.fixture(scope="module")
def frames():
    return imputed()


@pytest.fixture(scope="module")
def pooled(frames):
    return blm.lmer(FORMULA, frames)


def test_one_quantity_by_hand():
    """Q = 1, 2, 3 with U = 1 and 20 df: B = 1, T = 7/3, lambda = 4/7, riv = 4/3 (Rubin 1987, section 3.1)."""
    row = rubin(np.array([[1.0], [2.0], [3.0]]), np.ones((3, 1)), np.array([20.0])).iloc[0]
    old = 2 / (4 / 7) ** 2
    observed = 21 / 23 * 20 * (3 / 7)
    df = old * observed / (old + observed)
    assert row["estimate"] == 2
    assert row["se"] == pytest.approx(np.sqrt(7 / 3))
    assert row["lambda"] == pytest.approx(4 / 7)
    assert row["riv"] == pytest.approx(4 / 3)
    assert row["df"] == pytest.approx(df)
    assert row["fmi"] == pytest.approx((4 / 3 + 2 / (df + 3)) / (7 / 3))


def test_limits_of_the_df():
    """Without complete-data df Rubin's (1987) (m - 1)(1 + 1/riv)^2; never more than either of the two."""
    rng = np.random.default_rng(3)
    Q, U = rng.normal(size=(5, 50)), rng.uniform(0.5, 2, size=(5, 50))
    large = rubin(Q, U, np.full(50, np.inf))
    np.testing.assert_allclose(large["df"], 4 * (1 + 1 / large["riv"]) ** 2)
    small = rubin(Q, U, np.full(50, 8.0))
    assert (small["df"] < np.minimum(large["df"], 8)).all()
    same = rubin(np.ones((5, 1)), np.full((5, 1), 4.0), np.array([12.0])).iloc[0]
    assert same.to_dict() == pytest.approx(
        {"estimate": 1, "se": 2, "df": 13 / 15 * 12, "lambda": 0, "riv": 0, "fmi": 0}
    )


def test_a_list_of_frames_is_fitted_and_pooled(frames, pooled):
    fits = [blm.lmer(FORMULA, f) for f in frames]
    Q, U = np.array([f.fixef for f in fits]), np.array([f.bse**2 for f in fits])
    B = Q.var(axis=0, ddof=1)
    tests = pooled.tests()
    np.testing.assert_allclose(tests["estimate"], Q.mean(axis=0))
    np.testing.assert_allclose(tests["se"], np.sqrt(U.mean(axis=0) + 1.25 * B))
    np.testing.assert_allclose(pooled.bse, tests["se"])
    np.testing.assert_allclose(pooled.fixef, tests["estimate"])
    complete = np.mean([f.tests()["df"] for f in fits], axis=0)
    np.testing.assert_allclose(tests["df"], rubin(Q, U, complete)["df"])
    assert (tests["df"] < complete).all()
    assert str(blm.pool(fits)) == str(pooled)


def test_variances_are_means_and_correlations_are_made_of_them(pooled):
    each = [f.varcorr for f in pooled.fits]
    table = pooled.varcorr
    np.testing.assert_allclose(table["vcov"], np.mean([v["vcov"] for v in each], axis=0))
    a, b, c, residual = table["vcov"]
    assert table.loc[2, "corr"] == pytest.approx(c / np.sqrt(a * b))
    assert table.loc[3, "sd"] == pytest.approx(np.sqrt(residual)) == pytest.approx(pooled.sigma)
    np.testing.assert_allclose(table.loc[:1, "sd"], np.sqrt([a, b]))


def test_contrasts_and_intervals(pooled):
    row = pooled.contrast("2 * Days = 20").table.iloc[0]
    days = pooled.tests().loc["Days"]
    assert row["estimate"] == pytest.approx(2 * days["estimate"])
    assert row["t"] == pytest.approx((2 * days["estimate"] - 20) / (2 * days["se"]))
    assert row["df"] == pytest.approx(days["df"])
    ends = pooled.confint()
    assert (ends.loc["Days", "upper"] + ends.loc["Days", "lower"]) / 2 == pytest.approx(days["estimate"])
    wide = pooled.tests("asymptotic")
    assert (wide["df"] > pooled.tests()["df"]).all()


def test_what_is_printed(pooled):
    text = str(pooled)
    assert "to 4 imputed data sets, pooled by Rubin's rules" in text
    assert "fraction of missing information: (Intercept)" in text
    assert "Days" in text.split("Fixed effects:")[1]


def test_identical_frames_give_the_fit_itself():
    data = blm.datasets.load("sleepstudy")
    found, fit = blm.lmer(FORMULA, [data, data, data]), blm.lmer(FORMULA, data)
    np.testing.assert_allclose(found.tests()["se"], fit.bse, rtol=1e-9)
    nu = fit.tests()["df"]
    np.testing.assert_allclose(found.tests()["df"], (nu + 1) / (nu + 3) * nu, rtol=1e-9)
    np.testing.assert_allclose(found.varcorr["vcov"], fit.varcorr["vcov"], rtol=1e-9)


def test_singular_fits_are_told_of_once():
    frames = [
        blm.datasets.load("dyestuff2").assign(Yield=lambda d, s=s: d["Yield"] + s * np.sin(np.arange(30)))
        for s in (0, 0.1)
    ]
    with pytest.warns(SingularFitWarning, match="^2 of 2 fits are singular$"):
        found = blm.lmer("Yield ~ 1 + (1 | Batch)", frames)
    assert "2 of 2 fits are singular" in str(found)


def test_no_fixed_effects():
    frames = [frame(seed=s).assign(y=lambda d, s=s: d["y"] + 5 * (d["g"] == "g1") + s) for s in (1, 2)]
    found = blm.lmer("y ~ 0 + (1 | g)", frames)
    assert found.tests().empty
    assert "No fixed effect coefficients" in str(found)


# -- against mitml and mice -------------------------------------------------------------------------------------------

MITML = json.loads((HOME / "imputed" / "mitml.json").read_text())
MACHINES = "score ~ Machine + x + (1 | Worker)"


@pytest.fixture(scope="module")
def machines():
    return machines_imputed()


@pytest.fixture(scope="module")
def full(machines):
    return blm.lmer(MACHINES, machines)


@pytest.fixture(scope="module")
def less(machines):
    return blm.lmer("score ~ x + (1 | Worker)", machines)


def test_estimates_of_mitml(full):
    large, tests = MITML["large"], full.tests("asymptotic")
    assert list(tests.index) == large["names"]
    theirs = pd.DataFrame(
        large["table"], index=large["names"], columns=["estimate", "se", "t", "df", "p", "riv", "fmi"]
    )
    for column in ("estimate", "se", "t", "df", "riv"):
        np.testing.assert_allclose(tests[column], theirs[column], rtol=1e-5)
    np.testing.assert_allclose(tests["fmi"], theirs["fmi"], rtol=1e-5)
    np.testing.assert_allclose(tests["re"], 1 / (1 + theirs["fmi"] / 6), rtol=1e-5)
    extra = large["extra"]
    expected = [extra["Intercept~~Intercept|Worker"], extra["Residual~~Residual"]]
    np.testing.assert_allclose(full.varcorr["vcov"], expected, rtol=1e-5)


def test_df_and_missing_information_of_mice(full):
    """mice's `pool.scalar` with 20 df without missing values."""
    Q = np.array([f.fixef for f in full.fits])
    found = rubin(Q, np.array([f.bse**2 for f in full.fits]), np.full(4, 20.0))
    theirs = pd.DataFrame(MITML["mice"]).T
    np.testing.assert_allclose(found["se"] ** 2, theirs["t"], rtol=1e-5)
    for ours, name in (("df", "df"), ("riv", "r"), ("fmi", "fmi")):
        np.testing.assert_allclose(found[ours], theirs[name], rtol=1e-5)


def check_joint(row, case) -> None:
    expected = [case["F.value"], case["df1"], case["df2"], case["P(>F)"]]
    np.testing.assert_allclose([row["F"], row["NumDF"], row["DenDF"], row["p"]], expected, rtol=1e-4)


def test_joint_tests_of_mitml(full, less, machines):
    """D1 with infinite df without missing values, of terms and of contrasts; with two imputations, too."""
    check_joint(full.anova(ddf="asymptotic").table.loc["Machine"], MITML["d1"])
    assert full.anova(ddf="asymptotic").table.loc["Machine", "riv"] == pytest.approx(MITML["d1"]["RIV"], rel=1e-4)
    check_joint(full.contrast("Machine", ddf="asymptotic").joint, MITML["d1"])
    two = blm.lmer(MACHINES, machines[:2])
    check_joint(two.anova(ddf="asymptotic").table.loc["Machine"], MITML["d1_two"])


@pytest.mark.parametrize(("L", "name"), [("Machine", "d1_small"), (["MachineB - MachineC", "x"], "d1_equations")])
def test_joint_tests_in_small_samples(full, L, name):
    """Reiter's df with 20 df without missing values."""
    functions = linear_functions(L, full.fits[0].design).L
    Q = np.array([functions @ f.fixef for f in full.fits])
    found = d1(Q, np.array([functions @ f.vcov.to_numpy() @ functions.T for f in full.fits]), 20.0)
    theirs = [MITML[name][c] for c in ("F.value", "df2", "RIV")]
    np.testing.assert_allclose([found.F, found.df, found.riv], theirs, rtol=1e-4)


def test_likelihood_ratios_over_imputations(full, less, machines):
    """D3 of mitml, for a fixed effect and for a variance, whose note says that its p is too large."""
    found = less.anova(full)
    check_joint(found.table.iloc[1], MITML["d3"])
    assert found.table["riv"].iloc[1] == pytest.approx(MITML["d3"]["RIV"], rel=1e-4)
    assert not found.notes
    with pytest.warns(SingularFitWarning):
        slope = blm.lmer("score ~ Machine + x + (1 + x || Worker)", machines)
    found = full.anova(slope)
    row = found.table.iloc[1]
    assert (row["F"], row["p"]) == (0, 1)
    assert row["riv"] == pytest.approx(MITML["d3_variance"]["RIV"], rel=1e-3)
    assert row["DenDF"] == pytest.approx(MITML["d3_variance"]["df2"], rel=1e-3)
    assert "variances cannot be negative" in str(found)


@pytest.mark.parametrize("ddf", ["satterthwaite", "kenward-roger", "containment", "residual", "asymptotic"])
def test_joint_tests_without_missing_values_are_those_of_the_fit(ddf):
    data = blm.datasets.load("cake")
    fit = blm.lmer("angle ~ recipe * temperature + (1 | recipe:replicate)", data)
    found = blm.pool([fit, fit, fit]).anova(ddf=ddf).table
    theirs = fit.anova(ddf=ddf).table
    np.testing.assert_allclose(found["F"], theirs["F"], rtol=1e-9)
    nu = theirs["DenDF"]
    expected = nu if ddf == "asymptotic" else (nu + 1) / (nu + 3) * nu
    np.testing.assert_allclose(found["DenDF"], expected, rtol=1e-9)
    assert (found["riv"].abs() < 1e-25).all()


def test_one_contrast_is_tested_alike_alone_and_jointly(full):
    """D1 of one function is the square of its t, with Barnard & Rubin's df."""
    found = full.contrast("MachineB - MachineC = 1")
    row = found.table.iloc[0]
    joint = found.joint
    assert joint["F"] == pytest.approx(row["t"] ** 2)
    assert joint["DenDF"] == pytest.approx(row["df"])
    assert joint["p"] == pytest.approx(row["p"])


def test_types_of_tests(full):
    """Without interactions types II and III are the same; x comes last, so its sequential test is too."""
    one, two, three = (full.anova(type=t).table for t in ("I", "II", "III"))
    np.testing.assert_allclose(two, three, rtol=1e-8)
    np.testing.assert_allclose(one.loc["x"], three.loc["x"], rtol=1e-8)
    assert abs(one.loc["Machine", "F"] / three.loc["Machine", "F"] - 1) > 1e-4
    assert "Type III tests over 6 imputations (D1)" in str(full.anova())


def test_df_where_the_expansion_does_not_hold():
    """Few df, or few imputations: positive, below those without missing values, and falling with r."""
    for q, m, complete in ((2, 3, 20.0), (2, 20, 3.0), (3, 5, 5.0), (2, 2, 200.0)):
        df = [d1_df(r, q, m, complete) for r in (1e-6, 0.1, 0.5, 1.0, 3.0)]
        assert np.all(np.diff(df) < 0)
        assert 0 < df[-1] < df[0] <= complete


def test_size_of_the_joint_test():
    """Three means, half of the responses missing, imputed properly: 5% of D1 tests reject at 5%."""
    rng = np.random.default_rng(11)
    n, m, q, runs = 30, 5, 3, 1500
    seen, p = n // 2, []
    for _ in range(runs):
        y = rng.normal(size=(q, seen))
        s2 = (seen - 1) * y.var(axis=1, ddof=1) / rng.chisquare(seen - 1, size=(m, q))
        mu = rng.normal(y.mean(axis=1), np.sqrt(s2 / seen))
        new = rng.normal(mu[..., None], np.sqrt(s2)[..., None], size=(m, q, n - seen))
        whole = np.concatenate([np.broadcast_to(y, (m, q, seen)), new], axis=2)
        U = np.array([np.diag(w.var(axis=1, ddof=1) / n) for w in whole])
        found = d1(whole.mean(axis=2), U, float(q * (n - 1)))
        p.append(stats.f.sf(found.F, found.q, found.df))
    rate = float(np.mean(np.array(p) < 0.05))
    assert abs(rate - 0.05) < 4 * np.sqrt(0.05 * 0.95 / runs)


def test_models_that_cannot_be_compared(full, less, machines):
    short = blm.lmer("score ~ x + (1 | Worker)", machines[:3])
    other = blm.lmer("score ~ x + (1 | Worker)", [d.assign(score=d["score"] + 1) for d in machines])
    with pytest.raises(ArgumentError, match="one model has 3 imputations and another 6"):
        full.anova(short)
    with pytest.raises(ArgumentError, match="different responses or rows in imputation 1"):
        full.anova(other)
    with pytest.raises(ArgumentError, match="equally many parameters"):
        less.anova(blm.lmer("score ~ I(x**2) + (1 | Worker)", machines))
    with pytest.raises(ArgumentError, match="compares pooled fits"):
        full.anova(full.fits[0])
    with pytest.raises(ArgumentError, match="is not known; it is 1"):
        full.anova(type=4)


def test_coverage_of_missing_responses():
    """Half of the responses missing at random and imputed properly: 95% intervals of a mean hold it 95% of the time.

    J groups of one value each, normal with known variance: Q_j and U_j are exact, so that only the rules are tried.
    """
    rng = np.random.default_rng(7)
    n, m, runs = 40, 10, 2000
    seen = n // 2
    y = rng.normal(size=(runs, seen))
    mean, s2 = y.mean(axis=1), y.var(axis=1, ddof=1)
    sigma2 = s2[:, None] * (seen - 1) / rng.chisquare(seen - 1, size=(runs, m))
    mu = rng.normal(mean[:, None], np.sqrt(sigma2 / seen))
    new = rng.normal(mu[..., None], np.sqrt(sigma2)[..., None], size=(runs, m, n - seen))
    whole = np.concatenate([np.broadcast_to(y[:, None, :], (runs, m, seen)), new], axis=2)
    table = rubin(whole.mean(axis=2).T, (whole.var(axis=2, ddof=1) / n).T, np.full(runs, n - 1.0))
    half = stats.t.ppf(0.975, table["df"]) * table["se"]
    hits = (np.abs(table["estimate"]) <= half).mean()
    assert abs(hits - 0.95) < 4 * np.sqrt(0.95 * 0.05 / runs)


# -- posteriors -------------------------------------------------------------------------------------------------------

POSTERIOR = "y ~ x + (x | g) + (1 | a/b)"


@pytest.fixture(scope="module")
def cases():
    return [case(POSTERIOR, frame(seed=1).assign(x=lambda d, s=s: d["x"] + 0.1 * s), seed=s) for s in range(3)]


def test_stacked_draws_are_the_draws_of_all(cases):
    found = blm.pool([c.post for c in cases])
    draws = found.posterior.draws
    assert draws.shape == (2, 120)
    for j, c in enumerate(cases):
        np.testing.assert_array_equal(draws.posterior["sigma"].to_numpy()[:, j::3].ravel(), c.sigma)
        np.testing.assert_array_equal(draws.posterior["b_g"].to_numpy()[:, j::3].reshape(c.b["g"].shape), c.b["g"])
    np.testing.assert_allclose(found.fixef, np.mean([c.beta.mean(axis=0) for c in cases], axis=0))
    assert found.posterior.hypothesis("x > 0").table.shape[0] == 1
    assert np.isfinite(found.posterior.contrast("x").table["estimate"]).all()


def test_share_of_the_variance_between_imputations(cases):
    table = blm.pool([c.post for c in cases]).table
    means = np.array([c.beta.mean(axis=0) for c in cases])
    every = np.concatenate([c.beta for c in cases])
    np.testing.assert_allclose(table["missing"].iloc[:2], means.var(axis=0) / every.var(axis=0, ddof=1))
    assert table["missing"].between(0, 1).all()
    assert table.index[-1] == "sigma"


def test_imputations_that_disagree_are_no_trouble_of_the_chains():
    """Means that lie five sds apart: R-hat of the stack stays near 1, and `missing` says where the variance is."""
    posts = []
    for s in range(3):
        c = case("y ~ x + (1 | g)", frame(), seed=s, draws=200)
        tree = c.post.data
        tree["posterior"]["beta"] = tree["posterior"]["beta"] + s
        posts.append(c.post)
    found = blm.pool(posts)
    assert found.posterior.summary().fixed["rhat"].max() < 1.02
    assert (found.table.loc[["(Intercept)", "x"], "missing"] > 0.85).all()
    assert "share of the variance that lies between imputations" in str(found)


def test_diagnostics_are_those_of_each_imputation(cases):
    table = blm.pool([c.post for c in cases]).diagnostics()
    expected = sum(int((~c.post.diagnostics().table["ok"].astype(bool)).sum()) for c in cases)
    assert len(table) == expected


@pytest.mark.sampling
def test_brm_of_a_list_of_frames(frames):
    found = blm.brm("Reaction ~ Days + (1 | Subject)", frames[:2], seed=3, draws=500, chains=2, progressbar=False)
    again = blm.brm("Reaction ~ Days + (1 | Subject)", frames[:2], seed=3, draws=500, chains=2, progressbar=False)
    assert found.diagnostics().empty
    np.testing.assert_array_equal(found.posterior.draws.beta, again.posterior.draws.beta)
    fits = blm.lmer("Reaction ~ Days + (1 | Subject)", frames[:2])
    assert np.abs(found.fixef - fits.fixef).max() < 3
    assert found.posteriors[0].priors is found.posteriors[1].priors


def test_imputations_share_priors_that_do_not_depend_on_their_order(frames):
    """The scale of all rows: for identical frames that of one; given priors stay as they are."""
    formula, quick = "Reaction ~ Days + (Days | Subject)", {"draws": 4, "tune": 10, "chains": 1, "progressbar": False}

    def priors(data, **options):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SamplingWarning)
            found = blm.brm(formula, data, seed=1, check=False, **quick, **options)
        assert len({id(p.priors) for p in found.posteriors}) == 1
        return found.posteriors[0].priors.table

    wide = [f.assign(Reaction=s * f["Reaction"]) for s, f in zip((1, 2, 3), frames, strict=False)]
    forward, backward = priors(wide), priors(wide[::-1])
    np.testing.assert_allclose(forward["sd"], backward["sd"])
    sd = np.concatenate([f["Reaction"] for f in wide]).std(ddof=1)
    assert forward.set_index("parameter").loc["Intercept", "sd"] == pytest.approx(2.5 * sd)
    same = blm.Model(formula, frames[0]).priors.table
    np.testing.assert_allclose(priors([frames[0]] * 2)["sd"], same["sd"], rtol=2e-3)
    given = priors(wide, priors={"sd": blm.HalfNormal(10)}).set_index("parameter")
    assert given.loc["sd_Subject[Days]", "prior"] == str(blm.HalfNormal(10))


BAD = [
    (lambda f: blm.pool([blm.lmer(FORMULA, f[0])]), "two fits or posteriors at least"),
    (lambda f: blm.pool("fits"), "two fits or posteriors at least"),
    (lambda f: blm.pool([1, 2]), "all of one kind; got int"),
    (lambda f: blm.lmer(FORMULA, f[:1]), "two fits or posteriors at least"),
    (
        lambda f: blm.pool([blm.lmer(FORMULA, f[0]), blm.lmer("Reaction ~ 1 + (Days | Subject)", f[1])]),
        "number 2 is of another model than the first; one of both has `Days`",
    ),
    (
        lambda f: blm.pool([blm.lmer(FORMULA, f[0]), blm.lmer(FORMULA, f[1], reml=False)]),
        "some of the fits are by REML and some by maximum likelihood",
    ),
    (lambda f: blm.brm(FORMULA, f, store="x"), "has no `store`"),
    (lambda f: blm.brm(FORMULA, f[:1]), "takes two frames at least"),
    (
        lambda f: blm.brm("Reaction ~ f + (1 | Subject)", _other_levels(f)),
        "number 2 is of another model than the first",
    ),
]


@pytest.mark.parametrize(("make", "message"), BAD, ids=[m for _, m in BAD])
def test_bad_input(frames, make, message):
    with pytest.raises(ArgumentError, match=message):
        make(frames)


def test_posteriors_that_cannot_be_stacked():
    one, other = case("y ~ x + (1 | g)"), case("y ~ x + (1 | g)", draws=30)
    with pytest.raises(ArgumentError, match=r"different numbers of draws \(2 x 30, 2 x 40\)"):
        blm.pool([one.post, other.post])
    fewer = case("y ~ x + (1 | g)", frame().query("g != 'g0'"))
    with pytest.raises(ArgumentError, match="number 2 has other levels of `g`"):
        blm.pool([one.post, fewer.post])


def test_a_model_says_where_a_list_of_frames_goes(frames):
    with pytest.raises(blm.errors.DataError, match=r"a list of imputed frames goes to blm\.lmer or blm\.brm"):
        blm.Model(FORMULA, frames)


def test_imputed_data_with_other_rows_are_told_of():
    data = blm.datasets.load("sleepstudy")
    fits = [blm.lmer("Reaction ~ Days + (1 | Subject)", d) for d in (data, data, data.drop(data.index[:3]))]
    with pytest.warns(DesignWarning, match="number 3 has 177 rows, the first 180"):
        blm.pool(fits)


@pytest.mark.parametrize("seed", [-1, "a"])
def test_a_bad_seed_of_several_posteriors_is_refused(seed):
    data = blm.datasets.load("sleepstudy")
    with pytest.raises(ArgumentError, match=f"seed={seed!r} must be a whole number"):
        blm.brm("Reaction ~ Days + (1 | Subject)", [data, data], seed=seed)
