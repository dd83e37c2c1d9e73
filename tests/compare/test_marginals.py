"""The posterior as histograms: which parameters, in which range, and REML's estimate on the same axis."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

import bayeslmm as blm
from bayeslmm.compare.marginals import MOST, marginals
from bayeslmm.results.pictures import save_picture
from tests.compare.posteriors import SALARY, SLEEP, around, fitted


def marks(ax, label):
    """Positions of the marks with this label."""
    return [float(x) for line in ax.lines if line.get_label() == label for x in np.ravel(line.get_xdata())]


def test_one_panel_per_parameter_with_both_estimates():
    fit = fitted(SLEEP, "sleepstudy")
    post = around(fit)
    table = blm.compare(fit, post).table
    axes = marginals(fit, post)
    assert len(axes) == len(table) == 6
    for ax, (_, row) in zip(axes, table.iterrows(), strict=True):
        assert marks(ax, "REML") == [pytest.approx(row["reml"])]
        assert marks(ax, "median, interval") == [pytest.approx(row["median"])]
        low, high = ax.get_xlim()
        assert low <= np.nanmin(row[["reml", "reml_lower", "lower"]].astype(float))
        assert high >= np.nanmax(row[["reml", "reml_upper", "upper"]].astype(float))
        assert sum(bar.get_height() for bar in ax.patches) >= 0.98 * post.draws.size


def test_the_histograms_are_of_the_parameter_named_above_them():
    fit = fitted(SLEEP, "sleepstudy")
    post = around(fit)
    titles = [ax.get_title(loc="left") for ax in marginals(fit, post)]
    assert titles[:2] == ["(Intercept)", "Days"]
    assert titles[2:] == [
        "sd Subject: (Intercept)",
        "sd Subject: Days",
        "cor Subject: (Intercept), Days",
        "residual sd",
    ]


def test_a_flag_is_a_star_and_a_correlation_is_shown_whole():
    fit = fitted(SALARY, "salary")
    ax = marginals(fit, around(fit))[4]
    assert ax.get_title(loc="left") == "cor major: (Intercept), grade *"
    assert "* conclusions differ" in ax.figure.get_suptitle()
    assert ax.get_xlim()[0] <= -1
    assert ax.get_xlim()[1] >= 1


def test_many_parameters_are_cut_off():
    fit = fitted("angle ~ recipe * temperature + (1 | recipe:replicate)", "cake")
    assert len(marginals(fit, around(fit))) == MOST


def test_a_saved_picture_is_closed(tmp_path):
    fit = fitted(SALARY, "salary")
    path = save_picture(marginals(fit, around(fit)), tmp_path / "p.png")
    assert path.read_bytes().startswith(b"\x89PNG")
    assert plt.get_fignums() == []
