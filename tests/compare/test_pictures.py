"""What the pictures show: read back from their axes."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import Ellipse

import bayeslmm as blm
from bayeslmm.errors import ArgumentError
from bayeslmm.results import style
from tests.compare.posteriors import SALARY, SLEEP, around, fitted
from tests.compare.test_pooling import CAKE, MACHINES, PENICILLIN


@pytest.fixture(scope="module")
def salary():
    fit = fitted(SALARY, "salary")
    post = around(fit)
    return blm.compare(fit, post), blm.pooling(fit, post)


@pytest.fixture(scope="module")
def sleep():
    return blm.pooling(fitted(SLEEP, "sleepstudy"))


def points(ax, label):
    line = next(line for line in ax.lines if line.get_label() == label)
    return np.asarray(line.get_xdata(), dtype=float), np.asarray(line.get_ydata(), dtype=float)


def fits_on_the_page(figure) -> bool:
    """Whether no text of the figure is cut off at its edges."""
    figure.draw_without_rendering()
    renderer, page = figure.canvas.get_renderer(), figure.bbox
    shown = [ax for ax in figure.axes if ax.get_visible()]
    boxes = [axis.get_tightbbox(renderer) for ax in shown for axis in (ax.xaxis, ax.yaxis)]
    texts = [t for ax in shown for t in (*ax.texts, ax.title, ax._left_title)] + figure.texts
    boxes += [t.get_window_extent(renderer) for t in texts if t.get_text()]
    boxes += [legend.get_window_extent(renderer) for legend in figure.legends]
    boxes = [b for b in boxes if b is not None]
    assert len(boxes) > len(shown)
    return all(b.x0 >= -1 and b.x1 <= page.x1 + 1 and b.y0 >= -1 and b.y1 <= page.y1 + 1 for b in boxes)


def overlaps(one, other, renderer) -> bool:
    return one.get_window_extent(renderer).overlaps(other.get_window_extent(renderer))


def test_forest_has_a_panel_per_kind_and_the_numbers_of_the_table(salary):
    comparison, _ = salary
    axes = comparison.plot()
    assert [ax.get_title(loc="left") for ax in axes] == [
        "Intercept",
        "Fixed effects",
        "Standard deviations",
        "Correlations",
    ]
    table = comparison.table
    for ax, kinds in zip(axes[1:], (["fixed"], ["sd", "sigma"], ["cor"]), strict=True):
        rows = table[table["kind"].isin(kinds)].drop(index="(Intercept)", errors="ignore")
        reml, posterior = (c[0].get_xdata() for c in ax.containers)
        np.testing.assert_allclose(reml, rows["reml"])
        np.testing.assert_allclose(posterior, rows["median"])
        (ends,) = ax.containers[1][2]
        np.testing.assert_allclose([s[:, 0] for s in ends.get_segments()], rows[["lower", "upper"]], rtol=1e-6)
        (ends,) = ax.containers[0][2]
        own = rows[["reml_lower", "reml_upper"]]
        np.testing.assert_allclose([s[:, 0] for s in ends.get_segments()], own, rtol=1e-6, atol=1e-9)
    assert [t.get_text() for t in axes[3].get_yticklabels()] == ["major: (Intercept), grade*"]
    assert axes[0].figure.legends[0].get_title().get_text() == "* see the flags"
    assert [t.get_text() for t in axes[0].figure.legends[0].get_texts()] == [
        "REML, 95% interval",
        "posterior median, 95% interval",
    ]


def test_a_forest_of_sds_without_an_upper_end_or_any(salary):
    table = salary[0].table.copy()
    table.loc["sd major grade", "reml_upper"] = np.inf
    table.loc["sd major (Intercept)", ["reml_lower", "reml_upper"]] = np.nan
    ax = replace(salary[0], table=table).plot()[2]
    (ends,) = ax.containers[0][2]
    first, second = (s[:, 0] for s in ends.get_segments()[:2])
    assert first[0] == first[1] == table.loc["sd major (Intercept)", "reml"]
    assert second[1] > ax.get_xlim()[1]
    assert ax.get_xlim()[1] < 2 * table["upper"].max()


def test_the_intercept_shares_a_panel_where_it_dwarfs_nothing():
    data = blm.datasets.load("sleepstudy").assign(Reaction=lambda d: d.Reaction - 250)
    fit = fitted(SLEEP, data)
    axes = blm.compare(fit, around(fit)).plot()
    assert axes[0].get_title(loc="left") == "Fixed effects"
    assert [t.get_text() for t in axes[0].get_yticklabels()] == ["(Intercept)", "Days"]


def test_no_flags_no_note():
    fit = fitted(SLEEP, "sleepstudy")
    axes = blm.compare(fit, around(fit)).plot()
    assert axes[0].figure.legends[0].get_title().get_text() == ""


def test_given_axes_are_used(salary):
    comparison, pooled = salary
    _, mine = plt.subplots(4, 1)
    assert comparison.plot(axes=mine)[2] is mine[2]
    _, ax = plt.subplots()
    assert pooled.plot(ax=ax) is ax
    _, panels = plt.subplots(1, 5)
    assert pooled.plot_lines(axes=panels)[4] is panels[4]
    assert ax.figure.legends == []


def test_shrinkage_draws_the_three_estimates_and_the_population(salary):
    _, pooled = salary
    ax = pooled.plot()
    wide = pooled.table.pivot(index="level", columns="term")
    for label, kind in (("no pooling", "no_pooling"), ("pooled, REML", "reml"), ("pooled, Bayes", "bayes")):
        x, y = points(ax, label)
        np.testing.assert_allclose(x, wide[(kind, "(Intercept)")])
        np.testing.assert_allclose(y, wide[(kind, "grade")])
    np.testing.assert_allclose(np.ravel(points(ax, "population")), pooled.fit.fixef)
    assert [t.get_text() for t in ax.texts] == list("abcde")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("(Intercept)", "grade")


def test_ellipses_hold_half_and_most_of_the_levels(sleep):
    ax = sleep.plot()
    half, most = [p for p in ax.patches if isinstance(p, Ellipse)]
    V = sleep.fit.estimates.covariances[0]
    assert np.pi * half.width * half.height / 4 == pytest.approx(np.pi * 1.386 * np.sqrt(np.linalg.det(V)))
    rng = np.random.default_rng(1)
    draws = rng.multivariate_normal(sleep.fit.fixef, V, size=20_000)
    for patch, share in ((half, 0.5), (most, 0.95)):
        inside = patch.get_path().contains_points(patch.get_patch_transform().inverted().transform(draws))
        assert inside.mean() == pytest.approx(share, abs=0.015)


def test_one_effect_has_a_row_per_level():
    pooled = blm.pooling(fitted("Yield ~ 1 + (1 | Batch)", "dyestuff"))
    ax = pooled.plot()
    x, y = points(ax, "no pooling")
    np.testing.assert_allclose(x, pooled.table["no_pooling"])
    np.testing.assert_allclose(y, np.arange(6)[::-1])
    assert [t.get_text() for t in ax.get_yticklabels()] == list("ABCDEF")
    assert ax.get_xlabel() == "(Intercept)"


def test_caterpillars_of_many_levels():
    """72 levels are dodged in a higher figure; of 400 Bayes shows its means and ends as points, over REML's lines."""
    for J, dodged in ((72, True), (400, False)):
        rng = np.random.default_rng(J)
        data = pd.DataFrame({"g": np.repeat(np.arange(J), 4).astype(str), "x": np.tile(np.arange(4.0), J)})
        slopes = rng.normal(0, 1, J)[np.repeat(np.arange(J), 4)]
        fit = fitted("y ~ x + (x | g)", data.assign(y=slopes * data["x"] + rng.normal(size=4 * J)))
        pooled = blm.pooling(fit, around(fit, draws=50))
        axes = pooled.plot_caterpillar()
        for ax, effect in zip(axes, ("(Intercept)", "x"), strict=True):
            reml, bayes = (t[t["term"] == effect] for t in (pooled.fit.ranef(), pooled.post.ranef()))
            own = reml["estimate"].sort_values(ascending=False)
            lines = [line for line in ax.lines if len(line.get_xdata()) == J]
            modes = [line for line in lines if np.allclose(line.get_xdata(), own)]
            assert len(modes) == 1
            ends = [line for line in lines if np.allclose(np.sort(line.get_xdata()), np.sort(bayes["upper"]))]
            assert len(ends) == (not dodged)
            (means,) = [ln for ln in lines if np.allclose(np.sort(ln.get_xdata()), np.sort(bayes["estimate"]))]
            assert (means.get_ydata()[0] < modes[0].get_ydata()[0]) == dodged
        assert (axes[0].figure.get_figheight() > 5) == dodged
        plt.close(axes[0].figure)


def test_caterpillars_are_sorted_with_conditional_intervals_and_bayes_below(salary):
    _, pooled = salary
    axes = pooled.plot_caterpillar()
    assert [ax.get_title(loc="left") for ax in axes] == ["(Intercept)", "grade"]
    reml, bayes = pooled.fit.ranef(), pooled.post.ranef()
    order = reml[reml["term"] == "(Intercept)"].sort_values("estimate", ascending=False)["level"]
    assert [t.get_text() for t in axes[0].get_yticklabels()] == list(order)
    for ax, effect in zip(axes, ("(Intercept)", "grade"), strict=True):
        own, post = (t[t["term"] == effect].set_index("level").loc[order] for t in (reml, bayes))
        first, second = ax.containers
        np.testing.assert_allclose(np.asarray(first[0].get_xdata(), float), own["estimate"])
        np.testing.assert_allclose(np.asarray(second[0].get_xdata(), float), post["estimate"])
        assert (np.asarray(first[0].get_ydata()) > second[0].get_ydata()).all()
        half = 1.959964 * own["se"].to_numpy()
        ends = np.array([s[:, 0] for s in first[2][0].get_segments()])
        np.testing.assert_allclose(ends, np.column_stack([own["estimate"] - half, own["estimate"] + half]), rtol=1e-6)
        ends = np.array([s[:, 0] for s in second[2][0].get_segments()])
        np.testing.assert_allclose(ends, post[["lower", "upper"]], rtol=1e-6)


def test_many_levels_have_no_names_and_one_effect_can_be_asked_for(sleep):
    (ax,) = sleep.plot_caterpillar(terms=("Days",))
    assert ax.get_title(loc="left") == "Days"
    assert ax.figure.legends == []
    cake = blm.pooling(fitted(CAKE, "cake")).plot_caterpillar()
    assert cake[0].get_ylabel() == "recipe:replicate: 45 levels"
    with pytest.raises(ArgumentError, match="has no random effect `Day`; did you mean `Days`"):
        sleep.plot_caterpillar(terms=("Day",))
    with pytest.raises(ArgumentError, match="names no random effect"):
        sleep.plot_caterpillar(terms=())


def test_the_pooling_factor_falls_with_the_rows_along_its_curve():
    data = blm.datasets.load("sleepstudy").sample(120, random_state=3)
    pooled = blm.pooling(fitted("Reaction ~ Days + (1 | Subject)", data))
    ax = pooled.plot_factor()
    x, y = points(ax, "(Intercept)")
    own = pooled.table[pooled.table["term"] == "(Intercept)"]
    np.testing.assert_allclose(x, own["n"])
    np.testing.assert_allclose(y, own["pooling_factor"])
    at, curve = points(ax, "1 / (1 + n theta²)")
    np.testing.assert_allclose(np.interp(x, at, curve), y, atol=2e-4)
    assert "the fewer rows" in ax.figure.get_suptitle()


def test_levels_of_one_size_stand_side_by_side(sleep):
    ax = sleep.plot_factor()
    x, _ = points(ax, "Days")
    assert len(set(x)) == 18
    assert np.abs(x - 10).max() < 0.5
    assert "all have 10 rows" in ax.figure.get_suptitle()
    flat = blm.pooling(fitted("Yield ~ 1 + (1 | Batch)", "dyestuff2")).plot_factor()
    assert "pooled completely" in flat.figure.get_suptitle().replace("\n", " ")


def test_crossed_groups_put_the_other_groups_mean_into_the_pooled_intercept():
    pooled = blm.pooling(fitted(PENICILLIN, "penicillin"))
    ax = pooled.plot(group="sample")
    own = pooled.table[pooled.table["group"] == "sample"]
    x, _ = points(ax, "pooled, REML")
    plates = pooled.fit.ranef().query("group == 'plate'")["estimate"].mean()
    np.testing.assert_allclose(x, own["reml"] + plates)
    assert ax.get_xlabel() == "(Intercept) with the other groups' effects"


def test_many_levels_are_sorted_without_names():
    pooled = blm.pooling(fitted(CAKE, "cake"))
    ax = pooled.plot()
    x, y = points(ax, "pooled, REML")
    assert (np.diff(x[np.argsort(y)]) >= 0).all()
    assert list(ax.get_yticks()) == []
    assert ax.get_ylabel() == "recipe:replicate: 45 levels, in the order of REML"


def test_lines_go_through_the_fitted_values(sleep):
    axes = sleep.plot_lines()
    assert len(axes) == 18
    ax = axes[3]
    assert ax.get_title(loc="left") == "330"
    own = sleep.table.set_index(["level", "term"]).loc["330"]
    for label, kind in (
        ("complete pooling", "complete"),
        ("no pooling", "no_pooling"),
        ("partial pooling, REML", "reml"),
    ):
        x, y = points(ax, label)
        np.testing.assert_allclose(x, [0, 9])
        np.testing.assert_allclose(y, own.loc["(Intercept)", kind] + x * own.loc["Days", kind])
    data = blm.datasets.load("sleepstudy").iloc[30:40]
    np.testing.assert_allclose(ax.lines[0].get_xydata(), data[["Days", "Reaction"]])


def test_a_factor_stands_by_category():
    pooled = blm.pooling(fitted(MACHINES, "machines"))
    axes = pooled.plot_lines()
    means = blm.datasets.load("machines").groupby(["Worker", "Machine"], observed=True)["score"].mean()
    for ax in axes:
        worker = ax.get_title(loc="left")
        x, y = points(ax, "no pooling")
        np.testing.assert_allclose(x, [0, 1, 2])
        np.testing.assert_allclose(y, means[worker])
    assert [t.get_text() for t in axes[-1].get_xticklabels()] == list("ABC")
    assert axes[-1].get_xlabel() == "Machine"


@pytest.mark.parametrize(
    "formula",
    ["Reaction ~ poly(Days, 3) + (Days | Subject)", "Reaction ~ Days + I(Days^2) + I(Days^3) + (1 | Subject)"],
)
def test_functions_of_the_variable_bend_the_line(formula):
    pooled = blm.pooling(fitted(formula, "sleepstudy"))
    ax = pooled.plot_lines()[0]
    x, y = points(ax, "partial pooling, REML")
    np.testing.assert_allclose(x, np.arange(10))
    np.testing.assert_allclose(y, pooled.fit.fitted[:10])
    own = blm.datasets.load("sleepstudy").iloc[:10]
    cubic = np.polynomial.Polynomial.fit(own["Days"], own["Reaction"], 3)
    np.testing.assert_allclose(points(ax, "no pooling")[1], cubic(x))
    line = np.polynomial.Polynomial.fit(*(blm.datasets.load("sleepstudy")[c] for c in ("Days", "Reaction")), 3)
    np.testing.assert_allclose(points(ax, "complete pooling")[1], line(x))


def test_products_with_a_predictor_of_the_level_move_along():
    fit = fitted("yield ~ nitro * Variety + (1 | Block/Variety)", "oats")
    axes = blm.pooling(fit).plot_lines()
    predicted = fit.predict()
    term = fit.design.terms[0]
    for j, ax in enumerate(axes):
        rows = np.flatnonzero(term.index == j)
        x, y = points(ax, "partial pooling, REML")
        nitro = blm.datasets.load("oats")["nitro"].iloc[rows]
        np.testing.assert_allclose(np.interp(nitro, x, y), predicted.iloc[rows])


def test_a_variable_that_varies_within_levels_is_chosen():
    axes = blm.pooling(fitted(CAKE, "cake")).plot_lines()
    assert len(axes) == 24
    assert "the first 24 of 45" in axes[0].figure.get_suptitle().replace("\n", " ")
    assert axes[-1].get_xlabel() == "temperature"
    chosen = blm.pooling(fitted(CAKE, "cake")).plot_lines(x="recipe")
    assert chosen[-1].get_xlabel() == "recipe"


def test_a_level_that_cannot_tell_its_own_line_has_none():
    pooled = blm.pooling(fitted(SLEEP, blm.datasets.load("sleepstudy").iloc[9:]))
    first, second = pooled.plot_lines()[:2]
    assert "no pooling" not in [line.get_label() for line in first.lines]
    assert "no pooling" in [line.get_label() for line in second.lines]
    labels = [t.get_text() for t in first.figure.legends[0].get_texts()]
    assert labels == ["complete pooling", "no pooling", "partial pooling, REML"]


@pytest.mark.parametrize("width", [7.0, 3.5])
@pytest.mark.parametrize(
    ("formula", "data"),
    [(SALARY, "salary"), (SLEEP, "sleepstudy"), (CAKE, "cake"), (MACHINES, "machines"), (PENICILLIN, "penicillin")],
)
def test_nothing_is_cut_off_or_overlaps_the_legend(formula, data, width):
    fit = fitted(formula, data)
    post = around(fit)
    pooled = blm.pooling(fit, post)
    axes = [blm.compare(fit, post).plot(width=width)[0], pooled.plot(width=min(width, 6.0))]
    axes += [pooled.plot_caterpillar(width=width)[0], pooled.plot_factor(width=width)]
    if data != "penicillin":
        axes.append(pooled.plot_lines(width=width)[0])
    for ax in axes:
        figure = ax.figure
        assert figure.get_figwidth() == min(width, 6.0 if ax is axes[1] else width)
        assert fits_on_the_page(figure)
        renderer = figure.canvas.get_renderer()
        legend = figure.legends[0]
        labels = [a.xaxis.label for a in figure.axes if a.get_visible() and a.get_xlabel()]
        assert not any(overlaps(label, legend, renderer) for label in labels)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p: p.plot(group="majr"), "no grouping factor `majr` in the model; did you mean `major`"),
        (lambda p: p.plot(terms=("grade", "sallary")), "`sallary` does not vary between the levels of `major`"),
        (lambda p: p.plot(terms=()), "names 0 coefficients; give one or two"),
        (lambda p: p.plot_lines(x="grad"), "no variable or coefficient `grad` to draw lines against; did you mean"),
    ],
)
def test_what_is_not_there_is_refused(salary, call, message):
    with pytest.raises(ArgumentError, match=message):
        call(salary[1])


def test_an_intercept_alone_has_no_lines():
    with pytest.raises(ArgumentError, match="the model has an intercept only"):
        blm.pooling(fitted(PENICILLIN, "penicillin")).plot_lines()


def test_titles_are_folded_to_their_width():
    assert style.fold("each level's own estimate, and where it moves", 2).count("\n") == 1
    assert "\n" not in style.fold("short", 2)


def test_a_level_where_the_variable_is_zero_has_the_slope_of_the_others():
    data = blm.datasets.load("sleepstudy")
    data = data[(data["Subject"] != "308") | (data["Days"] == 0)]
    axes = blm.pooling(fitted("Reaction ~ Days + (1 | Subject)", data)).plot_lines()
    slopes = []
    for ax in axes[:2]:
        for label in ("complete pooling", "partial pooling, REML"):
            x, y = points(ax, label)
            slopes.append((y[-1] - y[0]) / (x[-1] - x[0]))
    assert slopes[:2] == pytest.approx(slopes[2:])
    assert slopes[1] > 5
