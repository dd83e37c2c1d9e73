"""Every public picture: it draws into the axes that it is given, and its words can be read on light and on dark."""

import importlib
import inspect
import pkgutil
import warnings
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.text import Text

import bayeslmm as blm
from bayeslmm.compare.calibration import RANKED, Calibration
from bayeslmm.compare.rank_uniformity import summary
from bayeslmm.errors import ArgumentError, BayeslmmWarning

pytestmark = pytest.mark.filterwarnings("ignore::bayeslmm.errors.BayeslmmWarning")

SINGLE = {
    "FitPlots.qq": lambda r, **to: r.fit.plot.qq(n=99, **to),
    "FitPlots.residuals": lambda r, **to: r.fit.plot.residuals(**to),
    "FitPlots.boxes": lambda r, **to: r.fit.plot.boxes(**to),
    "FitPlots.caterpillar": lambda r, **to: r.fit.plot.caterpillar("Subject", "Days", **to)[0],
    "FitPlots.effects": lambda r, **to: r.fit.plot.effects("Days", **to),
    "LinearPlots.qq": lambda r, **to: r.linear.plot.qq(n=99, **to),
    "LinearPlots.residuals": lambda r, **to: r.linear.plot.residuals(**to),
    "LinearPlots.scale_location": lambda r, **to: r.linear.plot.scale_location(n=99, **to),
    "LinearPlots.leverage": lambda r, **to: r.linear.plot.leverage(**to),
    "LinearPlots.effects": lambda r, **to: r.linear.plot.effects("Days", **to),
    "PosteriorPlots.caterpillar": lambda r, **to: r.post.plot.caterpillar("Subject", "Days", **to)[0],
    "PosteriorPlots.effects": lambda r, **to: r.post.plot.effects("Days", **to),
    "PosteriorPlots.predictive": lambda r, **to: r.post.plot.predictive(**to),
    "PriorDecision.plot": lambda r, **to: r.decision.plot(**to),
    "Pooling.plot": lambda r, **to: r.pooling.plot(**to),
    "Pooling.plot_factor": lambda r, **to: r.pooling.plot_factor(**to),
    "Reanalysis.plot": lambda r, **to: r.reanalysis.plot(**to),
}
SEVERAL = {
    "FitPlots.ranef_qq": lambda r, **to: r.fit.plot.ranef_qq(n=99, **to),
    "FitPlots.by_group": lambda r, **to: r.fit.plot.by_group(**to),
    "FitPlots.caterpillar": lambda r, **to: r.fit.plot.caterpillar(**to),
    "FitPlots.profile": lambda r, **to: r.fit.plot.profile(["Days", "sigma"], **to),
    "FitPlots.diagnostics": lambda r, **to: r.fit.plot.diagnostics(**to),
    "LinearPlots.diagnostics": lambda r, **to: r.linear.plot.diagnostics(**to),
    "QuantileResiduals.plot": lambda r, **to: r.residuals.plot(**to),
    "Influence.plot": lambda r, **to: r.influence.plot(**to),
    "Profile.plot": lambda r, **to: r.profile.plot(**to),
    "Profile.plot_pairs": lambda r, **to: r.profile.plot_pairs(**to),
    "PosteriorPlots.forest": lambda r, **to: r.post.plot.forest(**to),
    "PosteriorPlots.ranks": lambda r, **to: r.post.plot.ranks(["Days", "sigma"], **to),
    "PosteriorPlots.caterpillar": lambda r, **to: r.post.plot.caterpillar(**to),
    "PosteriorPlots.prior_posterior": lambda r, **to: r.post.plot.prior_posterior(**to),
    "PosteriorCheck.plot": lambda r, **to: list(r.check.plot(**to).values()),
    "ModelPlots.priors": lambda r, **to: r.model.plot.priors(**to),
    "ModelPlots.priors without predictors": lambda r, **to: r.means.plot.priors(**to),
    "Comparison.plot": lambda r, **to: r.comparison.plot(**to),
    "Pooling.plot_lines": lambda r, **to: r.pooling.plot_lines(**to),
    "Pooling.plot_caterpillar": lambda r, **to: r.pooling.plot_caterpillar(**to),
    "Alternatives.plot": lambda r, **to: r.alternatives.plot(**to),
    "Reanalysis.plot_posterior": lambda r, **to: r.reanalysis.plot_posterior(**to),
    "Reanalysis.plot_profile": lambda r, **to: r.reanalysis.plot_profile(**to),
    "Calibration.plot": lambda r, **to: r.calibration.plot(**to),
    "Power.plot": lambda r, **to: r.power.plot(**to),
    "Power.plot without sizes": lambda r, **to: r.power_of_one.plot(**to),
    "Recovery.plot": lambda r, **to: r.recovery.plot(**to),
}
ALL = {**{f"{name} (one)": draw for name, draw in SINGLE.items()}, **SEVERAL}


@pytest.fixture(scope="module")
def r():
    """What the pictures are of."""
    data = blm.datasets.load("sleepstudy")
    formula = "Reaction ~ Days + (Days | Subject)"
    rng = np.random.default_rng(1)
    ranks = pd.DataFrame(rng.integers(0, RANKED + 1, (60, 4)), columns=["Days", "sigma", "sd", "cor"])
    truth = {"fixef": {"x": 0.5}, "sd": {"subject": 1.0}, "sigma": 1.0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BayeslmmWarning)
        model = blm.Model(formula, data)
        fit, post = model.fit(), model.sample(draws=200, chains=2, seed=1)

        def design(subject, item):
            frame = blm.crossed(subject=subject, item=item)
            return frame.assign(x=np.resize([0.0, 1.0], len(frame)))

        def power(given, **more):
            return blm.power("y ~ x + (1 | subject)", given, **truth, n=6, seed=1, progress=False, **more)

        return SimpleNamespace(
            model=model,
            means=blm.Model("Yield ~ 1 + (1 | Batch)", blm.datasets.load("dyestuff")),
            fit=fit,
            linear=blm.lm("Reaction ~ Days", data),
            post=post,
            residuals=fit.quantile_residuals(n=99, seed=1),
            influence=fit.influence("Subject"),
            profile=fit.profile(["Days", "sigma", "sd_Days|Subject"]),
            check=post.check(replicates=50),
            decision=post.prior_sensitivity("Days", reach=2, refits=0),
            comparison=blm.compare(fit, post),
            pooling=blm.pooling(fit, post),
            alternatives=blm.alternatives(formula, data, bayes=False),
            reanalysis=fit.reanalyse(post=post, sensitivity=False, bootstrap=0),
            calibration=Calibration(ranks, summary(ranks, RANKED, rng), RANKED, 0),
            power=power(design, grid={"subject": [6, 8], "item": [3, 4]}),
            power_of_one=power(design(6, 3)),
            recovery=blm.simulate("y ~ x + (1 | subject)", design(6, 3), **truth, seed=1).recovery(),
        )


def drawn(axes):
    """The panels of a picture that can be seen."""
    return [ax for ax in np.ravel(np.asarray(axes, dtype=object)) if ax.get_visible()]


def public_pictures():
    """Class.method of every public method that draws."""
    for module in pkgutil.walk_packages(blm.__path__, "bayeslmm."):
        if module.name.endswith("__main__"):
            continue
        for _, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            for name, method in vars(kind).items():
                of_plots = kind.__name__.endswith("Plots") and not name.startswith("_")
                if (
                    kind.__module__ == module.name
                    and inspect.isfunction(method)
                    and (of_plots or name.startswith("plot"))
                ):
                    yield f"{kind.__name__}.{name}", method


def test_every_picture_is_here_and_takes_axes():
    found = dict(public_pictures())
    several = {name.split(" ")[0] for name in SEVERAL}
    assert set(found) == set(SINGLE) | several
    for name, method in found.items():
        parameters = inspect.signature(method).parameters
        assert ("ax" in parameters) == (name in SINGLE), name
        assert ("axes" in parameters) == (name in several), name


@pytest.mark.sampling
@pytest.mark.parametrize("name", SINGLE)
def test_a_picture_of_one_panel_is_drawn_into_the_axes_given(r, name):
    figure, (other, ax) = plt.subplots(1, 2, layout="constrained")
    assert SINGLE[name](r, ax=ax) is ax
    untouched(figure, other)
    assert ax.has_data()


@pytest.mark.sampling
@pytest.mark.parametrize("name", SEVERAL)
def test_a_picture_of_several_panels_is_drawn_into_the_axes_given(r, name):
    count = len(drawn(SEVERAL[name](r)))
    plt.close("all")
    figure = plt.figure(figsize=(10, 10), layout="constrained")
    left, right = figure.subfigures(1, 2)
    other = left.subplots()
    axes = right.subplots(count, squeeze=False)
    assert drawn(SEVERAL[name](r, axes=axes)) == list(axes.ravel())
    untouched(figure, other)
    assert right._suptitle is None
    assert right.legends == []
    assert all(ax.has_data() or ax.texts for ax in axes.ravel())
    with pytest.raises(
        ArgumentError, match=rf"has {count} panels?: give axes= {count if count > 1 else 'one'} Axes.*; got {count + 1}"
    ):
        SEVERAL[name](r, axes=[*axes.ravel(), other])
    with pytest.raises(ArgumentError, match=r"; got something that is no Axes \(str\)"):
        SEVERAL[name](r, axes=["a"] * count)


@pytest.mark.sampling
@pytest.mark.parametrize("look", ["default", "dark_background"])
@pytest.mark.parametrize("name", ALL)
def test_words_can_be_read_on_light_and_on_dark(r, name, look):
    with plt.style.context(look):
        figure = drawn(ALL[name](r))[0].get_figure(root=True)
        figure.draw_without_rendering()
        words = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]
        assert len(words) > 4
        faint = {t.get_text(): t.get_color() for t in words if ratio(t.get_color(), figure.get_facecolor()) < 3}
        assert faint == {}
        lines = [line for ax in figure.axes if ax.get_visible() for line in ax.lines if line.get_linestyle() != "None"]
        assert all(ratio(line.get_color(), figure.get_facecolor()) > 1.9 for line in lines)


def ratio(one, other):
    """Contrast of two colours as the WCAG define it."""

    def luminance(colour):
        return sum(
            w * (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4)
            for w, c in zip((0.2126, 0.7152, 0.0722), to_rgb(colour), strict=True)
        )

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def untouched(figure, other):
    assert plt.get_fignums() == [figure.number]
    assert not other.has_data()
    assert other.get_title(loc="left") == ""
    assert figure._suptitle is None
    assert figure.legends == []
