"""Pictures of data with long names: no title is cut or lies over another, and panels keep their room."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import bayeslmm as blm

pytestmark = pytest.mark.filterwarnings("ignore::bayeslmm.errors.BayeslmmWarning")

X, GROUP = "weeks_since_start_of_intervention", "school_and_district"
FORMULA = f"standardised_reading_comprehension ~ {X} + ({X} | {GROUP})"
SINGLE = {
    "qq": lambda fit, **to: fit.plot.qq(n=99, **to),
    "residuals": lambda fit, **to: fit.plot.residuals(**to),
    "boxes": lambda fit, **to: fit.plot.boxes(**to),
    "effects": lambda fit, **to: fit.plot.effects(X, **to),
    "pooling": lambda fit, **to: blm.pooling(fit).plot(**to),
    "pooling_factor": lambda fit, **to: blm.pooling(fit).plot_factor(**to),
}
SEVERAL = {
    "by_group": lambda fit: fit.plot.by_group(),
    "caterpillar": lambda fit: fit.plot.caterpillar(),
    "diagnostics": lambda fit: fit.plot.diagnostics(),
    "profile": lambda fit: fit.plot.profile([X, "sigma", f"sd_{X}|{GROUP}"]),
    "pairs": lambda fit: fit.profile([X, "sigma"]).plot_pairs(),
    "influence": lambda fit: fit.influence(GROUP).plot(),
    "alternatives": lambda fit: blm.alternatives(FORMULA, frame(), bayes=False).plot(),
    "pooling_lines": lambda fit: blm.pooling(fit).plot_lines(),
    "pooling_caterpillar": lambda fit: blm.pooling(fit).plot_caterpillar(),
}


def frame():
    rng = np.random.default_rng(3)
    levels = np.repeat([f"Municipal school {i:02d} of the northern district" for i in range(30)], 5)
    x = np.tile(np.arange(5.0), 30)
    effects = np.repeat(rng.normal(0, [12, 1.5], (30, 2)), 5, axis=0)
    y = 500 + 3 * x + effects[:, 0] + effects[:, 1] * x + rng.normal(0, 8, 150)
    return pd.DataFrame({"standardised_reading_comprehension": y, X: x, GROUP: levels})


@pytest.fixture(scope="module")
def fit():
    mpl.use("Agg")
    return blm.lmer(FORMULA, frame())


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def check(figure):
    figure.draw_without_rendering()
    page = figure.bbox.padded(2)
    axes = [ax for ax in figure.axes if ax.get_visible()]
    titles = [text for ax in axes for text in (ax.title, ax._left_title, ax.xaxis.label) if text.get_text()]
    boxes = [t.get_window_extent() for t in [*titles, *([figure._suptitle] if figure._suptitle else [])]]
    assert boxes
    for i, box in enumerate(boxes):
        assert box.x0 >= page.x0
        assert box.x1 <= page.x1
        assert not any(other.padded(-1).overlaps(box) for other in boxes[:i])
    columns = max(ax.get_subplotspec().get_gridspec().ncols for ax in axes)
    assert all(ax.get_window_extent().width > 0.4 * figure.bbox.width / columns for ax in axes)


@pytest.mark.parametrize("name", SINGLE)
@pytest.mark.parametrize("inches", [3.5, 7.0])
def test_one_panel(fit, name, inches):
    figure, ax = plt.subplots(figsize=(inches, 0.8 * inches), layout="constrained")
    SINGLE[name](fit, ax=ax)
    check(figure)


@pytest.mark.parametrize("name", SEVERAL)
def test_several_panels(fit, name):
    SEVERAL[name](fit)
    check(plt.gcf())


def test_names_of_levels_that_there_is_no_room_for_are_left_out(fit):
    for height, count in ((1.5, 0), (6.0, 30)):
        ax = plt.subplots(figsize=(5, height), layout="constrained")[1]
        fit.plot.caterpillar(GROUP, X, ax=ax)
        assert len(ax.get_yticklabels()) == count


def test_a_posterior_has_its_colour_in_effects(fit):
    ax = fit.sample(draws=50, chains=2, seed=1).plot.effects(X)
    other = fit.plot.effects(X)
    assert ax.lines[-1].get_color() == "#D55E00"
    assert other.lines[-1].get_color() == "#0072B2"


def test_pairs_of_a_singular_fit_say_that_contours_are_missing():
    singular = blm.lmer("salary ~ 1 + grade + (1 + grade | major)", blm.datasets.load("salary"))
    singular.profile(["grade", "sigma", "sd_grade|major"]).plot_pairs()
    assert "no contour" in plt.gcf()._suptitle.get_text()
