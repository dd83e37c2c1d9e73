"""Pictures of fits and posteriors: what they show, at both widths, in light and dark, and what they refuse."""

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb

import bayeslmm as blm
from bayeslmm.errors import ArgumentError, SingularFitWarning
from bayeslmm.results.draw_pictures import extremes
from tests.compare.test_pictures import fits_on_the_page
from tests.results.posterior_draws import case, frame

WIDE, NARROW = 7.0, 3.5


def quiet(formula, data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SingularFitWarning)
        return blm.lmer(formula, data)


@pytest.fixture(scope="module")
def sleep():
    return blm.lmer("Reaction ~ Days + (Days | Subject)", blm.datasets.load("sleepstudy"))


@pytest.fixture(scope="module")
def cake():
    return blm.lmer("angle ~ recipe * temp + (1 | recipe:replicate)", blm.datasets.load("cake"))


@pytest.fixture(scope="module")
def made():
    return case("y ~ x * f + (1 + x | g) + (1 | h)", draws=200)


def title(ax):
    return ax.get_title(loc="left").replace("\n", " ")


FIT = {
    "boxes": lambda f, w: f.plot.boxes(width=w),
    "by_group": lambda f, w: f.plot.by_group(width=w),
    "caterpillar": lambda f, w: f.plot.caterpillar(width=w),
    "effects": lambda f, w: f.plot.effects("Days", width=w),
    "diagnostics": lambda f, w: f.plot.diagnostics(width=w),
    "profile": lambda f, w: f.plot.profile("Days", width=w),
}
POSTERIOR = {
    "forest": lambda p, w: p.plot.forest(width=w),
    "ranks": lambda p, w: p.plot.ranks(["x", "sd g x"], width=w),
    "predictive": lambda p, w: p.plot.predictive(width=w),
    "caterpillar": lambda p, w: p.plot.caterpillar(width=w),
    "effects": lambda p, w: p.plot.effects("x", "f", width=w),
}


def first(axes):
    return np.ravel(np.asarray(axes, dtype=object))[0]


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("name", FIT)
def test_pictures_of_a_fit_have_room_for_their_words(sleep, name, width):
    figure = first(FIT[name](sleep, width)).figure
    assert figure.get_figwidth() == pytest.approx(width, rel=0.7)
    assert figure.get_figwidth() <= width + 1e-9
    assert fits_on_the_page(figure)


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("name", POSTERIOR)
def test_pictures_of_a_posterior_have_room_for_their_words(made, name, width):
    figure = first(POSTERIOR[name](made.post, width)).figure
    assert figure.get_figwidth() == width
    assert fits_on_the_page(figure)


def test_in_a_dark_style_lines_of_reference_are_light(sleep):
    def brightness(ax):
        return sum(to_rgb(ax.lines[0].get_color()))

    assert brightness(sleep.plot.residuals()) < 1
    with plt.style.context("dark_background"):
        assert brightness(sleep.plot.residuals()) > 2
        assert brightness(first(sleep.plot.caterpillar())) > 2


def test_a_caterpillar_is_sorted_and_has_conditional_intervals(sleep):
    ax = sleep.plot.caterpillar(term="Days", level=0.9)[0]
    own = sleep.ranef().query("term == 'Days'").sort_values("estimate")
    half = 1.6448536269514722 * own["se"]
    assert [t.get_text() for t in ax.get_yticklabels()] == list(own["level"])
    segments = np.array(ax.collections[0].get_segments())
    np.testing.assert_allclose(segments[:, 0, 0], own["estimate"] - half)
    np.testing.assert_allclose(segments[:, 1, 0], own["estimate"] + half)
    away = int((own["estimate"].abs() > half).sum())
    assert title(ax) == f"Subject: Days: {away} of 18 intervals exclude zero"


def test_a_caterpillar_of_a_posterior_has_its_quantiles(made):
    ax = made.post.plot.caterpillar("h")[0]
    low = np.sort(np.quantile(made.b["h"][:, :, 0], 0.025, axis=0))
    np.testing.assert_allclose(np.sort(np.array(ax.collections[0].get_segments())[:, 0, 0]), low)
    assert len(made.post.plot.caterpillar()) == 3


def test_effects_are_the_means_over_the_data(sleep, cake):
    ax = sleep.plot.effects("Days")
    line = ax.lines[1]
    np.testing.assert_allclose(line.get_ydata(), sleep.fixef.iloc[0] + sleep.fixef.iloc[1] * line.get_xdata())
    assert sorted(ax.lines[0].get_ydata()) == sorted(sleep.design.y)
    assert title(ax) == "Reaction from 251 to 346 along Days: means with 95% intervals"
    points = cake.plot.effects("recipe", "temp", level=0.5)
    assert [t.get_text() for t in points.get_xticklabels()] == ["A", "B", "C"]
    assert [t.get_text() for t in points.get_legend().get_texts()] == ["temp 175", "temp 200", "temp 225"]
    expected = cake.means("recipe", by="temp", at={"temp": [175, 200, 225]}).table.query("temp == 200")["estimate"]
    np.testing.assert_allclose(points.lines[2].get_ydata(), expected)


@pytest.mark.parametrize(("variable", "by"), [("nitro", "Variety"), ("Variety", "nitro"), ("nitro", None)])
def test_numbers_that_the_formula_makes_a_factor_have_a_point_each(variable, by):
    oats = blm.datasets.load("oats")
    fit = blm.lmer("yield ~ factor(nitro) * Variety + (1 | Block/Variety)", oats)
    ax = fit.plot.effects(variable, by=by)
    levels = {"nitro": ["0", "0.2", "0.4", "0.6"], "Variety": sorted(set(oats["Variety"]))}
    assert [t.get_text() for t in ax.get_xticklabels()] == levels[variable]
    x = ax.lines[0].get_xdata() if by is None else ax.collections[0].get_offsets()[:, 0]
    assert x.size == len(oats)
    assert np.isin(np.round(x), range(len(levels[variable]))).all()
    first = fit.means(variable, by=by).table
    first = first if by is None else first[first[by] == first[by].iloc[0]]
    np.testing.assert_allclose(ax.lines[by is None].get_ydata(), first["estimate"])


@pytest.mark.parametrize(("variable", "by"), [("nitro", "Variety"), ("Variety", "early"), ("early", "Variety")])
def test_rows_have_the_colour_of_their_line(variable, by):
    oats = blm.datasets.load("oats").assign(early=lambda d: d["Block"].isin(["I", "II"]))
    fit = quiet("yield ~ nitro + Variety * early + (1 | Block)", oats)
    ax = fit.plot.effects(variable, by=by)
    points = next(c for c in ax.collections if len(c.get_offsets()) == len(oats))
    assert np.isfinite(points.get_offsets()).all()
    lines = {line.get_label(): to_rgb(line.get_color()) for line in ax.lines}
    assert sorted(lines) == sorted({str(v) for v in oats[by]})
    seen = [(y, tuple(rgb[:3])) for (_, y), rgb in zip(points.get_offsets(), points.get_facecolors(), strict=True)]
    assert sorted(seen) == sorted((y, lines[str(v)]) for y, v in zip(oats["yield"], oats[by], strict=True))


def test_the_names_of_many_lines_stay_inside_a_narrow_picture():
    fit = blm.lmer("yield ~ factor(nitro) * Variety + (1 | Block/Variety)", blm.datasets.load("oats"))
    ax = fit.plot.effects("Variety", by="nitro", width=3.5)
    ax.figure.canvas.draw()
    assert ax.get_legend().get_window_extent().x1 <= ax.get_window_extent().x1 + 1


def test_effects_of_a_predictor_inside_a_function():
    fit = quiet("y ~ log(w) + (1 | g)", frame())
    line = fit.plot.effects("w").lines[1]
    np.testing.assert_allclose(line.get_ydata(), fit.fixef.iloc[0] + fit.fixef.iloc[1] * np.log(line.get_xdata()))


def test_boxes_and_panels_show_the_widest_levels(sleep):
    values, term = sleep.residuals("scaled"), sleep.design.terms[0]
    spread = [values[term.index == j].std() for j in range(term.n_levels)]
    widest = term.levels[int(np.argmax(spread))]
    ax = sleep.plot.boxes()
    assert ax.get_yticklabels()[-1].get_text() == widest
    assert f"Subject {widest} spreads most" in title(ax)
    panels = sleep.plot.by_group()
    assert len(panels) == 18
    largest = [np.abs(values[term.index == j]).max() for j in range(term.n_levels)]
    assert panels[0].get_title(loc="left") == term.levels[int(np.argmax(largest))]


def test_the_page_of_diagnostics(sleep):
    assert [title(ax).split(":")[0] for ax in sleep.plot.diagnostics()] == [
        "Scaled conditional residuals",
        "Conditional residuals",
        "Scaled residuals by Subject",
        "Subject",
    ]


def test_a_singular_fit_and_one_of_many_levels():
    zero = quiet("Yield ~ 1 + (1 | Batch)", blm.datasets.load("dyestuff2"))
    assert title(zero.plot.caterpillar()[0]) == "Batch: (Intercept): 0 of 6 intervals exclude zero"
    rng = np.random.default_rng(0)
    data = frame(n=300).assign(many=[f"m{i % 100}" for i in range(300)], y=rng.normal(size=300))
    data["y"] += np.tile(rng.normal(size=100), 3)
    fit = blm.lmer("y ~ 1 + (1 | many)", data)
    ax = fit.plot.caterpillar()[0]
    assert list(ax.get_yticks()) == []
    assert len(ax.collections[0].get_segments()) == 100
    assert "the 60 widest of 100" in title(fit.plot.boxes())
    assert len(fit.plot.by_group()) == 24


def test_a_forest_has_every_parameter(made):
    axes = made.post.plot.forest(level=0.8)
    rows = [t.get_text() for ax in axes for t in ax.get_yticklabels()]
    assert rows == [
        *made.design.coef_names,
        *(f"{t.group} {e}" for t in made.design.terms for e in t.effects),
        "residual",
        "g Intercept, x",
    ]
    low = np.array(axes[1].collections[0].get_segments())[-1, 0, 0]
    assert low == pytest.approx(np.quantile(made.sigma, 0.1))


def test_an_intercept_that_would_dwarf_the_rest_has_a_panel_of_its_own():
    far = case("y ~ x + (1 | g)", seed=3)
    far.post.data["posterior"]["beta"][..., 0] += 500.0
    assert title(far.post.plot.forest()[0]) == "Intercept: the 95% interval excludes zero"


def test_traces_keep_the_extremes_of_every_stretch():
    draws = np.random.default_rng(0).normal(size=5000)
    draws[[17, 3000]] = -50, 50
    at = extremes(draws)
    assert at.size <= 300
    assert {17, 3000} <= set(at.tolist())
    assert (np.diff(at) > 0).all()
    assert extremes(draws[:200]).tolist() == list(range(200))


def test_ranks_show_chains_that_do_not_agree():
    off = case("y ~ x + (1 | g)", draws=200)
    off.post.data["posterior"]["beta"][0, :, 1] += 5.0
    axes = off.post.plot.ranks(["x", "sigma"])
    assert title(axes[0, 0]).startswith("x: R-hat 2.") or float(title(axes[0, 0]).split()[-1]) > 1.5
    counts = axes[0, 0].patches[1].get_data().values
    assert counts[:10].sum() == 0
    assert counts[10:].sum() == 200
    assert off.post.plot.ranks().shape == (4, 2)


def test_the_picture_of_replicated_data_says_how_they_spread(made):
    ax = made.post.plot.predictive(seed=2)
    assert len(ax.lines) == 41
    assert f"sd {made.design.y.std(ddof=1):.3g}, in data of the model" in title(ax)
    again = made.post.plot.predictive(seed=2)
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), again.lines[0].get_ydata())


def test_a_panel_can_be_drawn_into_axes_of_ones_own(sleep, made):
    for draw in (
        lambda ax: sleep.plot.boxes(ax=ax),
        lambda ax: sleep.plot.effects("Days", ax=ax),
        lambda ax: sleep.plot.caterpillar("Subject", "Days", ax=ax)[0],
        lambda ax: made.post.plot.predictive(ax=ax),
        lambda ax: made.post.plot.caterpillar("h", ax=ax)[0],
        lambda ax: made.post.plot.effects("f", ax=ax),
    ):
        ax = plt.subplots()[1]
        assert draw(ax) is ax


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda f: f.plot.caterpillar("Subjct"), r"no grouping factor `Subjct`; did you mean `Subject`\?"),
        (lambda f: f.plot.caterpillar(term="Day"), r"no random effect `Day`; did you mean `Days`\?"),
        (lambda f: f.plot.caterpillar(ax=plt.subplots()[1]), "draws one panel, and 2 are asked for"),
        (lambda f: f.plot.caterpillar(level=95), r"write level=0\.95"),
        (lambda f: f.plot.boxes("Subjct"), "did you mean `Subject`"),
        (lambda f: f.plot.by_group("g"), "no grouping factor `g`"),
        (lambda f: f.plot.effects("Dayz"), r"the fixed part has no predictor `Dayz`; did you mean `Days`\?"),
        (lambda f: f.plot.effects("Days", "Days"), "cannot be the predictor and what it is shown by"),
        (lambda f: case("y ~ x + (1 | g)").post.plot.ranks("z"), "no parameter `z`"),
        (lambda f: case("y ~ x + (1 | g)").post.plot.ranks([]), "no parameter was named"),
    ],
)
def test_what_cannot_be_drawn_is_a_sentence(sleep, call, message):
    with pytest.raises(ArgumentError, match=message):
        call(sleep)
