"""Pictures of a reanalysis with long names and many parameters: every panel keeps its room.

Warnings are errors here: that the layout of a figure gave up ("axes sizes collapsed to zero") is one.
"""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from bayeslmm.results import style
from tests.compare.posteriors import around, fitted

GROUP = "school_and_district"
NAMES = [f"standardised_weeks_of_intervention_{j}" for j in range(4)]
PICTURES = ["plot", "plot_posterior", "plot_profile"]


def frame():
    rng = np.random.default_rng(1)
    level = np.repeat(np.arange(30), 12)
    X, b = rng.normal(size=(360, 4)), rng.normal(size=(30, 5))
    y = b[level, 0] + (b[level, 1:] * X).sum(axis=1) + rng.normal(size=360)
    names = [f"Municipal school {j:02d} of the northern district" for j in level]
    return pd.DataFrame(X, columns=NAMES).assign(y=y, **{GROUP: names})


@pytest.fixture(scope="module", params=[3, 4])
def found(request):
    """Ten and fifteen sds and correlations."""
    mpl.use("Agg")
    terms = " + ".join(NAMES[: request.param])
    fit = fitted(f"y ~ {terms} + ({terms} | {GROUP})", frame())
    return fit.reanalyse(post=around(fit, draws=50), sensitivity=False, bootstrap=0)


@pytest.mark.parametrize("width", [7.0, 3.5])
@pytest.mark.parametrize("name", PICTURES)
def test_long_names_leave_every_panel_its_room(found, name, width):
    panels = np.ravel(getattr(found, name)(width=width))
    figure = panels[0].figure
    figure.canvas.draw()
    for ax in panels:
        assert style.inches(ax) > 0.25 * width
        assert style.inches(ax, height=True) > 0.5
        page = figure.bbox.padded(2)
        names = [t.get_window_extent() for t in ax.get_yticklabels()]
        assert all(page.x0 <= box.x0 for box in names)
        assert all(low.y1 <= high.y0 + 1 for low, high in zip(names[1:], names, strict=False)) or name != "plot"
    plt.close(figure)


@pytest.mark.parametrize("name", PICTURES[1:])
def test_panels_left_out_are_told(found, name):
    panels = getattr(found, name)()
    every = int(found.posterior.table["kind"].isin(["sd", "cor"]).sum())
    text = panels[0].figure.get_suptitle()
    assert len(panels) == min(12, every)
    assert ("(12 of 15)" in " ".join(text.split())) == (every > 12)
    plt.close("all")


def test_the_text_fits_a_terminal(found):
    assert max(map(len, str(found).splitlines())) <= 80
